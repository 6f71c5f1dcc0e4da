#include "base/program_text.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace sandbox_run::base {
namespace {

/// Called for the program first (dl_iterate_phdr(3)), and then no more.
int let_go(dl_phdr_info* program, std::size_t, void*) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < program->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = program->dlpi_phdr[i];
    // What may be written has been: relocations, which the file does not have.
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (program->dlpi_addr + part.p_vaddr) / page * page;
    const std::uintptr_t end = program->dlpi_addr + part.p_vaddr + part.p_memsz;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is what the linker tells
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 1;
}

}  // namespace

void let_go_of_program_text() noexcept { (void)::dl_iterate_phdr(let_go, nullptr); }

}  // namespace sandbox_run::base
