# Headers that nearly every file of a target includes, parsed once for the target: parsing them is most of the time of a
# build. They hold nothing of ours. A compiler launcher (ccache) does better without them: it keeps whole files. So a build
# with ccache also checks that each file includes what it uses.
if(CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()

set(tsfeat_standard_headers
  <algorithm> <array> <atomic> <bit> <cerrno> <chrono> <cmath> <condition_variable> <cstdint> <cstring> <deque>
  <functional> <limits> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <thread> <tuple>
  <type_traits> <unordered_map> <utility> <vector>)
