#include "bind/arrow_node.h"

#include "bind/errors.h"
#include "bind/lists.h"
#include "bind/registry.h"

namespace tsfeat::bind {
namespace {

ArrowNode make_node(std::string format, std::string name, bool nullable, int64_t length, int64_t null_count,
                    int64_t offset, const py::object& buffers, const py::object& children, py::object dictionary) {
  return {std::move(format),   std::move(name),      nullable, length, null_count, offset, copy_list(buffers),
          copy_list(children), std::move(dictionary)};
}

py::object import_schema_capsule(const py::object& capsule) {
  const auto schema = take_capsule<ArrowSchema>(capsule, kSchemaCapsule);
  return import_schema(*schema.get());
}

py::object import_array_capsules(const py::object& schema, const py::object& array) {
  const auto type = take_capsule<ArrowSchema>(schema, kSchemaCapsule);
  return import_array(*type.get(), take_capsule<ArrowArray>(array, kArrayCapsule));
}

py::object export_schema_capsule(const ArrowNode& node) {
  return make_capsule<ArrowSchema>(kSchemaCapsule, [&](ArrowSchema* out) { export_schema(node, out); });
}

py::tuple export_array_capsules(const ArrowNode& node) {
  py::object schema = export_schema_capsule(node);
  return py::make_tuple(schema,
                        make_capsule<ArrowArray>(kArrayCapsule, [&](ArrowArray* out) { export_array(node, out); }));
}

}  // namespace

template <typename T>
ArrowOwned<T> take_capsule(py::handle capsule, const char* name) {
  if (!PyCapsule_IsValid(capsule.ptr(), name)) raise_type(std::string("expected a PyCapsule named '") + name + "'");
  T* const held = static_cast<T*>(PyCapsule_GetPointer(capsule.ptr(), name));
  if (held->release == nullptr)
    raise_schema(std::string("the ") + name + " capsule was consumed before: ask its producer for a new one");
  return ArrowOwned<T>(held);
}
template ArrowOwned<ArrowSchema> take_capsule(py::handle, const char*);
template ArrowOwned<ArrowArray> take_capsule(py::handle, const char*);
template ArrowOwned<ArrowArrayStream> take_capsule(py::handle, const char*);

void register_arrow(py::module_& module) {
  py::class_<ArrowNode>(module, "ArrowNode")
      .def(py::init(&make_node), py::arg("format"), py::arg("name") = "", py::kw_only(), py::arg("nullable") = false,
           py::arg("length") = 0, py::arg("null_count") = 0, py::arg("offset") = 0, py::arg("buffers") = py::none(),
           py::arg("children") = py::none(), py::arg("dictionary") = py::none())
      .def_readwrite("format", &ArrowNode::format)
      .def_readwrite("name", &ArrowNode::name)
      .def_readwrite("nullable", &ArrowNode::nullable)
      .def_readwrite("length", &ArrowNode::length)
      .def_readwrite("null_count", &ArrowNode::null_count)
      .def_readwrite("offset", &ArrowNode::offset)
      .def_readwrite("buffers", &ArrowNode::buffers)
      .def_readwrite("children", &ArrowNode::children)
      .def_readwrite("dictionary", &ArrowNode::dictionary);
  module.def("arrow_import_schema", import_schema_capsule, py::arg("capsule"));
  module.def("arrow_import_array", import_array_capsules, py::arg("schema"), py::arg("array"));
  module.def("arrow_export_schema", export_schema_capsule, py::arg("node"));
  module.def("arrow_export_array", export_array_capsules, py::arg("node"));
  register_arrow_streams(module);
}

}  // namespace tsfeat::bind
