// What module.cc puts together: one function for each domain of `_core`.
#pragma once

#include <pybind11/pybind11.h>

namespace tsfeat::bind {

namespace py = pybind11;

void register_specs(py::module_& module);    // ColumnSpec, TableSpec, RetentionSpec
void register_testing(py::module_& module);  // Clock, MemoryDisk
void register_scan(py::module_& module);     // Scan
void register_changes(py::module_& module);  // Changes
void register_load(py::module_& module);     // Load
void register_table(py::module_& module);    // Table
void register_answer(py::module_& module);   // Answer
void register_reads(py::module_& module);    // Projection, Filter, is_plain, work_alone
void register_store(py::module_& module);    // Store
void register_replay(py::module_& module);   // checksum_rows
void register_repair(py::module_& module);   // repair
void register_arrow(py::module_& module);    // ArrowNode, arrow_*
void register_strings(py::module_& module);  // varlen_*

}  // namespace tsfeat::bind
