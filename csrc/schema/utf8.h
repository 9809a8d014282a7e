// Whether bytes are UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF).
#pragma once

#include <string_view>

namespace tsfeat {

bool is_utf8(std::string_view text);

}  // namespace tsfeat
