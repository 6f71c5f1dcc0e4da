#include "base/sys_error.h"

namespace sandbox_run::base {

SysError::SysError(int error_number, std::string_view doing)
    : std::system_error(error_number, std::generic_category(), std::string(doing)), doing_(doing) {}

}  // namespace sandbox_run::base
