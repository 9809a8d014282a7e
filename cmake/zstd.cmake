# zstd, without a system library: the blosc2 wheel (a build requirement) ships libblosc2.a, which holds zstd's objects.
# Only the objects that are referenced end up in the module. The wheel has no zstd.h, so csrc/codec declares the few
# functions it calls.
set(tsfeat_python_components Interpreter)
if(TSFEAT_PYTHON)
  list(APPEND tsfeat_python_components Development.Module NumPy)
endif()
find_package(Python 3.11 REQUIRED COMPONENTS ${tsfeat_python_components})

# Directory of an importable Python package, found without importing it (blosc2 takes a second to import).
function(tsfeat_package_directory package variable)
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
      "import importlib.util as u; s = u.find_spec('${package}'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE directory OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  if(NOT directory)
    message(FATAL_ERROR "The Python package ${package} is missing in ${Python_EXECUTABLE}'s environment. "
      "Run `pip install '.[dev]'` (or let `pip install .` bring it), and activate that environment.")
  endif()
  set(${variable} "${directory}" PARENT_SCOPE)
endfunction()

tsfeat_package_directory(blosc2 tsfeat_blosc2_directory)
find_package(Blosc2 CONFIG REQUIRED HINTS "${tsfeat_blosc2_directory}/lib/cmake/blosc2")
add_library(tsfeat_zstd INTERFACE)
target_link_libraries(tsfeat_zstd INTERFACE Blosc2::blosc2_static)

# Fail here, with a sentence, rather than at import with an undefined symbol.
file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/zstd_check.cc" [=[
#include <cstddef>
extern "C" std::size_t ZSTD_compress(void*, std::size_t, const void*, std::size_t, int);
extern "C" std::size_t ZSTD_decompress(void*, std::size_t, const void*, std::size_t);
int main() {
  char packed[64] = {}, plain[4] = {};
  const std::size_t size = ZSTD_compress(packed, sizeof packed, "abc", 4, 1);
  return ZSTD_decompress(plain, sizeof plain, packed, size) == 4 && plain[2] == 'c' ? 0 : 1;
}
]=])
if(NOT DEFINED TSFEAT_ZSTD_LINKS)
  try_compile(TSFEAT_ZSTD_LINKS "${CMAKE_CURRENT_BINARY_DIR}/zstd_check"
    SOURCES "${CMAKE_CURRENT_BINARY_DIR}/zstd_check.cc" LINK_LIBRARIES Blosc2::blosc2_static
    OUTPUT_VARIABLE tsfeat_zstd_output)
  if(NOT TSFEAT_ZSTD_LINKS)
    unset(TSFEAT_ZSTD_LINKS CACHE)
    message(FATAL_ERROR "libblosc2.a of ${tsfeat_blosc2_directory} does not provide zstd:\n${tsfeat_zstd_output}")
  endif()
endif()
