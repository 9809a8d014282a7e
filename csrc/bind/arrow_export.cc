// Arrow out: nodes as structs of the C interface. Each struct owns its parts alone, since a consumer may move children
// out and release them in any order, in any thread.
#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

#include "bind/arrow_layout.h"
#include "bind/arrow_node.h"
#include "bind/errors.h"
#include "bind/interpreter.h"

namespace tsfeat::bind {
namespace {

[[noreturn]] void refuse(const ArrowNode& node, const std::string& what) {
  raise_schema("the Arrow node '" + node.name + "' of format '" + node.format + "' " + what);
}

// Children and dictionary of a struct, which releases those that were not moved out.
template <typename T>
struct Family {
  std::vector<std::unique_ptr<T>> members;
  std::vector<T*> children;
  T* dictionary = nullptr;

  Family() = default;
  Family(const Family&) = delete;
  ~Family() {
    for (const std::unique_ptr<T>& member : members) {
      if (member->release != nullptr) member->release(member.get());
    }
  }
  template <typename Export>
  void fill(const ArrowNode& node, Export export_one) {
    for (const py::handle child : node.children) children.push_back(add(child.cast<const ArrowNode&>(), export_one));
    if (!node.dictionary.is_none()) dictionary = add(node.dictionary.cast<const ArrowNode&>(), export_one);
  }

 private:
  template <typename Export>
  T* add(const ArrowNode& node, Export export_one) {
    members.push_back(std::make_unique<T>(T{}));
    export_one(node, members.back().get());
    return members.back().get();
  }
};

struct SchemaParts {
  std::string format;
  std::string name;
  Family<ArrowSchema> family;
};

struct ArrayParts {
  std::vector<Py_buffer> views;
  std::vector<const void*> pointers;
  std::vector<int64_t> variadic_sizes;
  Family<ArrowArray> family;

  ArrayParts() = default;
  ArrayParts(const ArrayParts&) = delete;
  ~ArrayParts() {
    // Without an interpreter there is nothing to give the buffers back to.
    if (views.empty() || !interpreter_lives()) return;
    const py::gil_scoped_acquire_simple locked;
    for (Py_buffer& view : views) PyBuffer_Release(&view);
  }
  // The buffer's address, and its size.
  std::pair<const void*, uint64_t> add(py::handle buffer) {
    if (buffer.is_none()) {
      pointers.push_back(nullptr);
      return {nullptr, 0};
    }
    views.reserve(views.size() + 1);
    Py_buffer view;
    if (PyObject_GetBuffer(buffer.ptr(), &view, PyBUF_SIMPLE) != 0) throw py::error_already_set();
    views.push_back(view);
    pointers.push_back(view.buf);
    return {view.buf, static_cast<uint64_t>(view.len)};
  }
};

void check_buffer(const ArrowNode& node, ArrowBuffer kind, uint64_t bits, uint64_t rows, const void* data,
                  uint64_t size, const void* before) {
  if (rows == 0 || (kind == ArrowBuffer::kValidity && data == nullptr)) return;
  const bool bytes = kind == ArrowBuffer::kBytes32 || kind == ArrowBuffer::kBytes64;
  const auto needed = bytes ? arrow_data_bytes(kind, before, rows) : arrow_buffer_bytes(kind, bits, rows);
  if (!needed || size < *needed)
    refuse(node, "has a buffer of " + std::to_string(size) + " bytes that is too short for its length");
}

void add_buffers(const ArrowNode& node, uint64_t rows, ArrayParts* parts) {
  const auto layout = arrow_layout(node.format);
  if (!layout) refuse(node, "is of a format that cannot be exported");
  const size_t count = layout->buffers.size();
  const bool views = count > 0 && layout->buffers.back() == ArrowBuffer::kViews;
  if (views ? node.buffers.size() < count : node.buffers.size() != count) {
    refuse(node, "has " + std::to_string(node.buffers.size()) + " buffers");
  }
  if (layout->children && static_cast<size_t>(*layout->children) != node.children.size())
    refuse(node, "has the wrong number of children");
  for (size_t i = 0; i < node.buffers.size(); ++i) {
    const auto [data, size] = parts->add(node.buffers[i]);
    if (i >= count) {
      parts->variadic_sizes.push_back(static_cast<int64_t>(size));
    } else {
      check_buffer(node, layout->buffers[i], layout->bits, rows, data, size, i == 0 ? nullptr : parts->pointers[i - 1]);
    }
  }
  if (views) parts->pointers.push_back(parts->variadic_sizes.data());
}

template <typename T, typename Parts>
void release(T* self) {
  delete static_cast<Parts*>(self->private_data);
  self->private_data = nullptr;
  self->release = nullptr;
}

void export_schema_at(const ArrowNode& node, ArrowSchema* out, int depth);
void export_array_at(const ArrowNode& node, ArrowArray* out, int depth);

void export_schema_at(const ArrowNode& node, ArrowSchema* out, int depth) {
  if (depth > kArrowMaxDepth) refuse(node, "is nested too deeply");
  if (node.format.find('\0') != std::string::npos || node.name.find('\0') != std::string::npos)
    refuse(node, "holds a NUL");
  auto parts = std::make_unique<SchemaParts>();
  parts->format = node.format;
  parts->name = node.name;
  parts->family.fill(node, [&](const ArrowNode& child, ArrowSchema* to) { export_schema_at(child, to, depth + 1); });
  *out = {parts->format.c_str(),
          parts->name.c_str(),
          nullptr,
          node.nullable ? ARROW_FLAG_NULLABLE : 0,
          static_cast<int64_t>(parts->family.children.size()),
          parts->family.children.data(),
          parts->family.dictionary,
          release<ArrowSchema, SchemaParts>,
          parts.get()};
  parts.release();
}

void export_array_at(const ArrowNode& node, ArrowArray* out, int depth) {
  if (depth > kArrowMaxDepth) refuse(node, "is nested too deeply");
  int64_t rows = 0;
  if (node.length < 0 || node.offset < 0 || __builtin_add_overflow(node.length, node.offset, &rows))
    refuse(node, "has a negative length");
  auto parts = std::make_unique<ArrayParts>();
  add_buffers(node, static_cast<uint64_t>(rows), parts.get());
  parts->family.fill(node, [&](const ArrowNode& child, ArrowArray* to) { export_array_at(child, to, depth + 1); });
  *out = {node.length,
          node.null_count,
          node.offset,
          static_cast<int64_t>(parts->pointers.size()),
          static_cast<int64_t>(parts->family.children.size()),
          parts->pointers.data(),
          parts->family.children.data(),
          parts->family.dictionary,
          release<ArrowArray, ArrayParts>,
          parts.get()};
  parts.release();
}

}  // namespace

void export_schema(const ArrowNode& node, ArrowSchema* out) { export_schema_at(node, out, 0); }
void export_array(const ArrowNode& node, ArrowArray* out) { export_array_at(node, out, 0); }

}  // namespace tsfeat::bind
