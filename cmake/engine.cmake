# The engine: every room (directory of csrc) but bind, in one static library.
file(GLOB tsfeat_engine_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/csrc/*/*.cc")
list(FILTER tsfeat_engine_sources EXCLUDE REGEX "/csrc/bind/")

find_package(Threads REQUIRED)
add_library(tsfeat_engine STATIC ${tsfeat_engine_sources})
tsfeat_compile_by_room(tsfeat_engine)
target_include_directories(tsfeat_engine PUBLIC "${CMAKE_SOURCE_DIR}/csrc")
target_link_libraries(tsfeat_engine PUBLIC tsfeat_options tsfeat_zstd Threads::Threads)
