// Whether Python can still be called: threads that outlive it (of Arrow consumers) must not.
#pragma once

#include <pybind11/gil_simple.h>
#include <pybind11/pybind11.h>

namespace tsfeat::bind {

// False before, during and after the end of the interpreter. A thread that holds the GIL already may always go on.
inline bool interpreter_lives() {
  if (Py_IsInitialized() == 0) return false;
#if PY_VERSION_HEX >= 0x030D0000
  const bool ends = Py_IsFinalizing() != 0;
#else
  const bool ends = _Py_IsFinalizing() != 0;
#endif
  return !ends || PyGILState_Check() != 0;
}

}  // namespace tsfeat::bind
