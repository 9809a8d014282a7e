# The Python modules: _core (pybind11 over the engine) and one Cython module for each .pyx among the Python sources.
# What is built also lands in <build>/tsfeat, so that a build directory can be tried without installing.
set(tsfeat_module_directory "${CMAKE_BINARY_DIR}/tsfeat")

file(GLOB tsfeat_bind_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/csrc/bind/*.cc")
if(tsfeat_bind_sources)
  tsfeat_package_directory(pybind11 tsfeat_pybind11_directory)
  set(PYBIND11_FINDPYTHON ON)
  find_package(pybind11 3.1 CONFIG REQUIRED HINTS "${tsfeat_pybind11_directory}/share/cmake/pybind11")
  pybind11_add_module(_core MODULE NO_EXTRAS ${tsfeat_bind_sources})
  target_link_libraries(_core PRIVATE tsfeat_engine Python::NumPy)
  if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # As in tsfeat_compile_by_room, but in parts: pybind11 makes this room the longest to compile. module.cc alone fills
    # NumPy's table.
    set_target_properties(_core PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 7)
    set_source_files_properties("${CMAKE_SOURCE_DIR}/csrc/bind/module.cc" PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
  # Nothing of zstd or of the engine is visible to other modules of the process.
  target_link_options(_core PRIVATE LINKER:--exclude-libs,ALL LINKER:--gc-sections LINKER:--as-needed)
  set_target_properties(_core PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${tsfeat_module_directory}")
  install(TARGETS _core LIBRARY DESTINATION tsfeat COMPONENT python)
else()
  message(WARNING "csrc/bind has no sources: the module _core is not built")
endif()

file(GLOB_RECURSE tsfeat_cython_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/python/tsfeat/*.pyx")
if(tsfeat_cython_sources)
  tsfeat_package_directory(cython_cmake tsfeat_cython_cmake_directory)
  list(APPEND CMAKE_MODULE_PATH "${tsfeat_cython_cmake_directory}/cmake")
  find_package(Cython 3.3 MODULE REQUIRED)
  include(UseCython)
  foreach(source IN LISTS tsfeat_cython_sources)
    cmake_path(GET source STEM module) # also the target's name: no two packages have a module of one name
    cmake_path(GET source PARENT_PATH package)
    cmake_path(RELATIVE_PATH package BASE_DIRECTORY "${CMAKE_SOURCE_DIR}/python")
    string(REPLACE "/" "." package_name "${package}")
    cython_transpile("${source}" MODULE_NAME "${package_name}.${module}" OUTPUT_VARIABLE generated CYTHON_ARGS -3
      OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/cython/${module}.cxx" LANGUAGE CXX)
    python_add_library(${module} MODULE WITH_SOABI "${generated}")
    target_link_libraries(${module} PRIVATE Python::NumPy)
    target_compile_definitions(${module} PRIVATE NPY_NO_DEPRECATED_API=NPY_2_0_API_VERSION CYTHON_CCOMPLEX=0)
    set_target_properties(${module} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/${package}")
    install(TARGETS ${module} LIBRARY DESTINATION ${package} COMPONENT python)
  endforeach()
endif()
