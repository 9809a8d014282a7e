# The engine: every room (directory of csrc) but bind, in one static library.
file(GLOB tsfeat_engine_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/csrc/*/*.cc")
list(FILTER tsfeat_engine_sources EXCLUDE REGEX "/csrc/bind/")

find_package(Threads REQUIRED)
# A library without sources has no linker language; headers alone are then an interface.
if(tsfeat_engine_sources)
  add_library(tsfeat_engine STATIC ${tsfeat_engine_sources})
  set(tsfeat_scope PUBLIC)
else()
  add_library(tsfeat_engine INTERFACE)
  set(tsfeat_scope INTERFACE)
endif()
tsfeat_precompile(tsfeat_engine)
target_include_directories(tsfeat_engine ${tsfeat_scope} "${CMAKE_SOURCE_DIR}/csrc")
target_link_libraries(tsfeat_engine ${tsfeat_scope} tsfeat_options tsfeat_zstd Threads::Threads)
