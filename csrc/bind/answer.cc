#include "bind/answer.h"

#include <cstring>
#include <utility>

#include "bind/arrays.h"
#include "bind/errors.h"
#include "bind/registry.h"
#include "bind/requests.h"

namespace tsfeat::bind {
namespace {

// An array of up to this size is a view of the answer, made whenever it is asked for, and keeps all of it alive. A
// larger one takes its memory over, so that it can outlive the other columns, and is made once.
constexpr size_t kViewedBytes = size_t{16} << 10;

Answer& answer_of(PyObject* self) { return unboxed<Answer>(self); }

template <typename Make>
py::object kept(Answer& answer, size_t slot, Make make) {
  if (answer.kept.empty()) answer.kept.resize(1 + 2 * answer.result.columns.size());
  if (!answer.kept[slot]) answer.kept[slot] = make();
  return answer.kept[slot];
}

py::object array(PyObject* self, size_t slot, Array& from, const Dtype& dtype, py::handle shown = {}) {
  Answer& answer = answer_of(self);
  if (from.bytes <= kViewedBytes) return array_over(self, dtype, answer.events, from.data.get(), shown);
  const py::object made = kept(answer, slot, [&] { return adopt(std::move(from), dtype, answer.events); });
  return shown ? view_as(made, shown) : made;
}

py::object offsets(PyObject* self) {
  Answer& answer = answer_of(self);
  std::vector<int64_t>& made = answer.result.offsets;
  if (!made.empty() && made.size() * sizeof(int64_t) <= kViewedBytes)
    return array_over(self, int64_dtype(), made.size(), made.data());
  return kept(answer, 0, [&] { return adopt(std::move(made)); });
}

const Column* column_at(const Answer& answer, size_t place) {
  const int column = answer.projection->columns[place];
  return column < 0 ? nullptr : &answer.projection->schema->columns[static_cast<size_t>(column)];
}

// In canonical form.
py::object values(PyObject* self, size_t place) {
  Answer& answer = answer_of(self);
  ColumnResult& made = answer.result.columns[place];
  const Column* const column = column_at(answer, place);
  if (column != nullptr && is_varlen(column->type))
    return kept(answer, 1 + place, [&] { return adopt(std::move(*made.varlen)); });
  return array(self, 1 + place, made.fixed, column == nullptr ? int64_dtype() : dtype_of(*column));
}

// Of fixed width, under another dtype of that width: datetime64 for times.
py::object shown(PyObject* self, size_t place, py::handle wanted) {
  Answer& answer = answer_of(self);
  const Column* const column = column_at(answer, place);
  if (column != nullptr && is_varlen(column->type)) raise_type("place: values of variable width have no dtype");
  const Dtype dtype = column == nullptr ? int64_dtype() : dtype_of(*column);
  check_same_width(wanted, dtype);
  return array(self, 1 + place, answer.result.columns[place].fixed, dtype, wanted);
}

py::object validity(PyObject* self, size_t place) {
  std::vector<ColumnResult>& columns = answer_of(self).result.columns;
  std::optional<Array>& made = columns[place].validity;
  return made ? array(self, 1 + columns.size() + place, *made, bool_dtype()) : py::none();
}

size_t to_place(PyObject* self, PyObject* number) {
  const int64_t place = to_int64(number, "place");
  if (place < 0 || static_cast<size_t>(place) >= answer_of(self).result.columns.size())
    throw py::index_error("there is no column " + std::to_string(place) + " in this answer");
  return static_cast<size_t>(place);
}

PyObject* get_version(PyObject* self, void*) { return PyLong_FromUnsignedLongLong(answer_of(self).result.version); }

PyObject* get_now(PyObject* self, void*) { return PyLong_FromLongLong(answer_of(self).result.now); }

PyObject* get_offsets(PyObject* self, void*) {
  return guarded([&] { return offsets(self); });
}

PyObject* call_values(PyObject* self, PyObject* number) {
  return guarded([&] { return values(self, to_place(self, number)); });
}

PyObject* call_shown(PyObject* self, PyObject* const* given, Py_ssize_t count) {
  return guarded([&] {
    if (count != 2) raise_type("shown takes a place and a dtype");
    return shown(self, to_place(self, given[0]), given[1]);
  });
}

PyObject* call_validity(PyObject* self, PyObject* number) {
  return guarded([&] { return validity(self, to_place(self, number)); });
}

PyMethodDef methods[] = {{"values", call_values, METH_O, nullptr},
                         {"shown", fast_method(call_shown), METH_FASTCALL, nullptr},
                         {"validity", call_validity, METH_O, nullptr},
                         {}};
PyGetSetDef attributes[] = {{"offsets", get_offsets, nullptr, nullptr, nullptr},
                            {"version", get_version, nullptr, nullptr, nullptr},
                            {"now", get_now, nullptr, nullptr, nullptr},
                            {}};

}  // namespace

py::object to_answer(ReadResult&& result, const std::shared_ptr<const Projection>& projection) {
  const auto events = static_cast<uint64_t>(result.offsets.back());
  return make_box(Answer{projection, std::move(result), events, {}});
}

void register_answer(py::module_& module) { register_box<Answer>(module, "tsfeat._core.Answer", methods, attributes); }

}  // namespace tsfeat::bind
