#include "base/shared_library.h"

#include <dlfcn.h>

namespace sandbox_run::base {

SharedLibrary::SharedLibrary(const char* name) : handle_(::dlopen(name, RTLD_NOW | RTLD_LOCAL)) {}

void* SharedLibrary::find(const char* name) {
  void* const found = handle_ == nullptr ? nullptr : ::dlsym(handle_, name);
  missing_ = missing_ || found == nullptr;
  return found;
}

}  // namespace sandbox_run::base
