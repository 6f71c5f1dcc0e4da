#pragma once

namespace sandbox_run::base {

/// A library of the system that is loaded when it is needed first (dlopen(3)), and never unloaded:
/// Debian has no static one, and most runs do without.
class SharedLibrary {
 public:
  explicit SharedLibrary(const char* name);
  /// Is it there, with all functions that were asked for?
  bool loaded() const { return handle_ != nullptr && !missing_; }

  template <typename Function>
  void load(Function& function, const char* name) {
    function = reinterpret_cast<Function>(find(name));
  }

 private:
  void* find(const char* name);

  void* handle_;
  bool missing_ = false;
};

}  // namespace sandbox_run::base
