// Arrow in: the structs of a producer, not trusted further than their pointers have to be, as ArrowNodes.
#include <cstring>
#include <memory>

#include "bind/arrow_layout.h"
#include "bind/arrow_node.h"
#include "bind/errors.h"
#include "bind/numpy_api.h"
#include "schema/utf8.h"

namespace tsfeat::bind {
namespace {

constexpr int64_t kMaxChildren = 1'000'000;

[[noreturn]] void refuse(const std::string& what) { raise_schema("the Arrow data does not hold together: " + what); }

std::string to_text(const char* text, const char* what) {
  if (text == nullptr) return {};
  if (!is_utf8(text)) refuse(std::string(what) + " is not UTF-8");
  return text;
}

// The type alone, without its children, which are checked to be there.
ArrowNode bare_node(const ArrowSchema& schema, int depth) {
  if (depth > kArrowMaxDepth) refuse("types are nested deeper than " + std::to_string(kArrowMaxDepth));
  if (schema.release == nullptr) refuse("a type was released before");
  if (schema.format == nullptr) refuse("a type has no format");
  ArrowNode node;
  node.format = to_text(schema.format, "a format");
  node.name = to_text(schema.name, "a name");
  node.nullable = (schema.flags & ARROW_FLAG_NULLABLE) != 0;
  if (schema.n_children < 0 || schema.n_children > kMaxChildren ||
      (schema.n_children > 0 && schema.children == nullptr)) {
    refuse("a type has " + std::to_string(schema.n_children) + " children");
  }
  const auto layout = arrow_layout(node.format);
  if (layout && layout->children && *layout->children != schema.n_children)
    refuse("'" + node.format + "' has the wrong number of children");
  for (int64_t i = 0; i < schema.n_children; ++i) {
    if (schema.children[i] == nullptr) refuse("a child is missing");
  }
  return node;
}

ArrowNode schema_node(const ArrowSchema& schema, int depth) {
  ArrowNode node = bare_node(schema, depth);
  for (int64_t i = 0; i < schema.n_children; ++i)
    node.children.append(py::cast(schema_node(*schema.children[i], depth + 1)));
  if (schema.dictionary != nullptr) node.dictionary = py::cast(schema_node(*schema.dictionary, depth + 1));
  return node;
}

// Turns one ArrowArray and its children into nodes whose buffers keep the whole of it alive.
class Importer {
 public:
  explicit Importer(py::object owner) : owner_(std::move(owner)) {}

  ArrowNode node(const ArrowSchema& schema, const ArrowArray& array, int depth) {
    ArrowNode made = bare_node(schema, depth);
    if (array.release == nullptr) refuse("an array was released before");
    int64_t rows = 0;
    if (array.length < 0 || array.offset < 0 || array.null_count < -1 ||
        __builtin_add_overflow(array.length, array.offset, &rows)) {
      refuse("length " + std::to_string(array.length) + ", offset " + std::to_string(array.offset) + ", null count " +
             std::to_string(array.null_count));
    }
    made.length = array.length;
    made.null_count = array.null_count;
    made.offset = array.offset;
    if (const auto layout = arrow_layout(made.format))
      add_buffers(*layout, array, static_cast<uint64_t>(rows), &made.buffers);
    add_children(schema, array, depth, &made);
    return made;
  }

 private:
  void add_children(const ArrowSchema& schema, const ArrowArray& array, int depth, ArrowNode* made) {
    if (array.n_children != schema.n_children || (array.n_children > 0 && array.children == nullptr)) {
      refuse("an array has other children than its type");
    }
    for (int64_t i = 0; i < array.n_children; ++i) {
      if (array.children[i] == nullptr) refuse("a child is missing");
      made->children.append(py::cast(node(*schema.children[i], *array.children[i], depth + 1)));
    }
    if ((array.dictionary == nullptr) != (schema.dictionary == nullptr))
      refuse("a dictionary is missing, or has no type");
    if (array.dictionary != nullptr)
      made->dictionary = py::cast(node(*schema.dictionary, *array.dictionary, depth + 1));
  }

  void add_buffers(const ArrowLayout& layout, const ArrowArray& array, uint64_t rows, py::list* out) {
    const auto count = static_cast<int64_t>(layout.buffers.size());
    const bool views = count > 0 && layout.buffers.back() == ArrowBuffer::kViews;
    if (views ? array.n_buffers < count + 1 : array.n_buffers != count) {
      refuse("an array has " + std::to_string(array.n_buffers) + " buffers");
    }
    if (array.n_buffers > 0 && array.buffers == nullptr) refuse("an array has no buffers");
    for (int64_t i = 0; i < count; ++i) {
      const ArrowBuffer kind = layout.buffers[static_cast<size_t>(i)];
      const void* const data = array.buffers[i];
      const bool bytes = kind == ArrowBuffer::kBytes32 || kind == ArrowBuffer::kBytes64;
      if (bytes) {
        out->append(buffer(data, rows == 0 ? 0 : data_bytes(kind, array.buffers[i - 1], rows)));
        continue;
      }
      const auto size = arrow_buffer_bytes(kind, layout.bits, rows);
      if (!size) refuse("an array of " + std::to_string(rows) + " values is too large");
      // An array without rows may lack even its first offset.
      if (data == nullptr && kind != ArrowBuffer::kValidity && array.length > 0 && *size > 0)
        refuse("an array has rows but no values");
      out->append(buffer(data, rows == 0 ? 0 : *size));
    }
    if (views) add_variadic(array, out);
  }

  static uint64_t data_bytes(ArrowBuffer kind, const void* offsets, uint64_t rows) {
    if (offsets == nullptr) return 0;
    const auto size = arrow_data_bytes(kind, offsets, rows);
    if (!size) refuse("the last offset is negative");
    return *size;
  }

  void add_variadic(const ArrowArray& array, py::list* out) {
    const int64_t last = array.n_buffers - 1;
    const auto* const sizes = static_cast<const uint8_t*>(array.buffers[last]);
    if (last > 2 && sizes == nullptr) refuse("the sizes of its data buffers are missing");
    for (int64_t i = 2; i < last; ++i) {
      int64_t size = 0;
      std::memcpy(&size, sizes + (i - 2) * 8, sizeof size);
      if (size < 0 || (size > 0 && array.buffers[i] == nullptr))
        refuse("a data buffer has the size " + std::to_string(size));
      static const uint8_t nothing = 0;
      out->append(buffer(array.buffers[i] == nullptr ? &nothing : array.buffers[i], static_cast<uint64_t>(size)));
    }
    out->append(buffer(sizes, static_cast<uint64_t>(last - 2) * 8));
  }

  // A read-only array over the producer's memory.
  py::object buffer(const void* data, uint64_t bytes) {
    if (data == nullptr) return py::none();
    npy_intp shape[1] = {static_cast<npy_intp>(bytes)};
    PyObject* const array = PyArray_New(&PyArray_Type, 1, shape, NPY_UINT8, nullptr, const_cast<void*>(data), 0,
                                        NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED, nullptr);
    if (array == nullptr) throw py::error_already_set();
    py::object made = py::reinterpret_steal<py::object>(array);
    if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(array), py::object(owner_).release().ptr()) < 0)
      throw py::error_already_set();
    return made;
  }

  py::object owner_;
};

}  // namespace

py::object import_schema(const ArrowSchema& schema) { return py::cast(schema_node(schema, 0)); }

py::object import_array(const ArrowSchema& schema, ArrowOwned<ArrowArray>&& array) {
  auto held = std::make_unique<ArrowOwned<ArrowArray>>(std::move(array));
  const ArrowArray& content = *held->get();
  PyObject* const capsule = PyCapsule_New(held.get(), nullptr, [](PyObject* self) {
    delete static_cast<ArrowOwned<ArrowArray>*>(PyCapsule_GetPointer(self, nullptr));
  });
  if (capsule == nullptr) throw py::error_already_set();
  held.release();
  return py::cast(Importer(py::reinterpret_steal<py::object>(capsule)).node(schema, content, 0));
}

}  // namespace tsfeat::bind
