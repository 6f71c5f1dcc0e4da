#pragma once

namespace sandbox_run::base {

/// Of this program's own file what is mapped and can't be written is unmapped, page by page; what
/// is run or read again comes back from the page cache (madvise(2), MADV_DONTNEED). For a process
/// that has done much and now waits: most of its memory is what it ran once.
void let_go_of_program_text() noexcept;

}  // namespace sandbox_run::base
