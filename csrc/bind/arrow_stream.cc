// Arrow streams, both ways: a producer's stream as a Python iterator, and a Python iterator as a stream.
#include <cerrno>
#include <memory>
#include <mutex>
#include <string>

#include "bind/arrow_node.h"
#include "bind/errors.h"
#include "bind/handles.h"
#include "bind/interpreter.h"

namespace tsfeat::bind {
namespace {

// A producer's stream. Calls into it are made without the GIL (it may need Python in another thread), one at a time.
class StreamReader {
 public:
  explicit StreamReader(ArrowOwned<ArrowArrayStream>&& stream) : stream_(std::move(stream)) {
    expect([&] { return stream_->get_schema(stream_.get(), schema_.get()); });
    if (schema_->release == nullptr) raise_schema("the Arrow stream gave no schema");
  }
  ~StreamReader() {
    // The consumer's own threads may be waiting for the GIL before they can be joined.
    const Unlocked unlocked;
    const ArrowOwned<ArrowArrayStream> last = std::move(stream_);
  }

  py::object schema() { return import_schema(*schema_.get()); }

  py::object next() {
    ArrowOwned<ArrowArray> array;
    expect([&] { return stream_->get_next(stream_.get(), array.get()); });
    if (array->release == nullptr) throw py::stop_iteration();
    return import_array(*schema_.get(), std::move(array));
  }

 private:
  template <typename Call>
  void expect(Call call) {
    int error = 0;
    std::string words;
    {
      const Unlocked unlocked;
      const std::lock_guard held(mutex_);
      error = call();
      const char* const text = error == 0 ? nullptr : stream_->get_last_error(stream_.get());
      if (text != nullptr) words = text;
    }
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (error != 0) raise(Status::storage(error, "the producer of the Arrow stream failed (" + words + ")"));
  }

  std::mutex mutex_;
  ArrowOwned<ArrowArrayStream> stream_;
  ArrowOwned<ArrowSchema> schema_;
};

py::tuple import_stream(const py::object& capsule) {
  auto reader = std::make_unique<StreamReader>(take_capsule<ArrowArrayStream>(capsule, kStreamCapsule));
  py::object schema = reader->schema();
  return py::make_tuple(schema, py::cast(std::move(reader)));
}

// What an exported stream pulls from.
struct StreamWriter {
  py::object schema;
  py::object arrays;
  std::string last_error;
};

StreamWriter& writer_of(ArrowArrayStream* stream) { return *static_cast<StreamWriter*>(stream->private_data); }

// errno for the exception, whose words become last_error.
int remember(StreamWriter& writer, py::error_already_set& error) {
  int code = EIO;
  if (error.matches(PyExc_KeyboardInterrupt)) code = EINTR;
  if (error.matches(PyExc_MemoryError)) code = ENOMEM;
  if (error.matches(PyExc_OSError)) {
    const py::object number = py::getattr(error.value(), "errno", py::none());
    if (PyLong_Check(number.ptr()) && number.cast<int>() > 0) code = number.cast<int>();
  }
  writer.last_error = py::str("{}: {}").format(error.type().attr("__name__"), error.value()).cast<std::string>();
  return code;
}

// Runs `act` with the GIL; nothing is ever thrown into the consumer.
template <typename Act>
int with_writer(ArrowArrayStream* stream, Act act) {
  if (!interpreter_lives()) return ECANCELED;
  const py::gil_scoped_acquire_simple locked;
  StreamWriter& writer = writer_of(stream);
  try {
    try {
      writer.last_error.clear();
      act(writer);
      return 0;
    } catch (py::error_already_set& error) {
      return remember(writer, error);
    }
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  } catch (const std::exception& error) {
    writer.last_error = error.what();
    return EIO;
  }
}

int get_schema(ArrowArrayStream* stream, ArrowSchema* out) {
  return with_writer(stream, [&](StreamWriter& writer) { export_schema(writer.schema.cast<const ArrowNode&>(), out); });
}

int get_next(ArrowArrayStream* stream, ArrowArray* out) {
  return with_writer(stream, [&](StreamWriter& writer) {
    const py::object node = py::reinterpret_steal<py::object>(PyIter_Next(writer.arrays.ptr()));
    if (!node && PyErr_Occurred() != nullptr) throw py::error_already_set();
    if (node) {
      export_array(node.cast<const ArrowNode&>(), out);
    } else {
      *out = {};  // the end
    }
  });
}

const char* get_last_error(ArrowArrayStream* stream) {
  const std::string& words = writer_of(stream).last_error;
  return words.empty() ? nullptr : words.c_str();
}

void release_stream(ArrowArrayStream* stream) {
  if (interpreter_lives()) {
    const py::gil_scoped_acquire_simple locked;
    delete &writer_of(stream);
  }
  stream->private_data = nullptr;
  stream->release = nullptr;
}

py::object export_stream(const ArrowNode& /*checked by its type*/, const py::object& arrays, py::object schema) {
  if (PyIter_Check(arrays.ptr()) == 0) raise_type("arrays: expected an iterator of ArrowNode");
  auto writer = std::make_unique<StreamWriter>(StreamWriter{std::move(schema), arrays, {}});
  return make_capsule<ArrowArrayStream>(kStreamCapsule, [&](ArrowArrayStream* out) {
    *out = {get_schema, get_next, get_last_error, release_stream, writer.release()};
  });
}

}  // namespace

void register_arrow_streams(py::module_& module) {
  py::class_<StreamReader>(module, "_ArrowStreamReader", py::module_local())
      .def("__iter__", [](const py::object& self) { return self; })
      .def("__next__", &StreamReader::next);
  module.def("arrow_import_stream", import_stream, py::arg("capsule"));
  module.def(
      "arrow_export_stream",
      [](const py::object& schema, const py::object& arrays) {
        return export_stream(schema.cast<const ArrowNode&>(), arrays, schema);
      },
      py::arg("schema"), py::arg("arrays"));
}

}  // namespace tsfeat::bind
