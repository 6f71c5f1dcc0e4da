#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

namespace sandbox_run::base {

/// A failed system call: what was being done (a gerund phrase, "binding /usr") and the errno.
/// what() reads "binding /usr: Operation not permitted".
class SysError : public std::system_error {
 public:
  SysError(int error_number, std::string_view doing);
  /// Takes errno.
  explicit SysError(std::string_view doing) : SysError(errno, doing) {}

  int error_number() const { return code().value(); }
  const std::string& doing() const { return doing_; }

 private:
  std::string doing_;
};

/// A mistake of the user's, in words a person can act on; the command line ends with exit code 2.
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Returns `result`, or throws SysError with errno if it is -1.
template <typename Result>
Result check_sys(Result result, std::string_view doing) {
  if (result == static_cast<Result>(-1)) throw SysError(doing);
  return result;
}

}  // namespace sandbox_run::base
