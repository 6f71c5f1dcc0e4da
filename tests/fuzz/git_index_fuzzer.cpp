// libFuzzer: two .git/index, one after the other; two bytes before them say how long the first
// is.
#include <algorithm>

#include "fuzz.h"
#include "policy/git_index.h"

FUZZ_TARGET(git_index, data, size) {
  using namespace sandbox_run;
  constexpr std::size_t kHead = 2;
  if (size < kHead) return 0;
  const std::string_view bytes = fuzz::text_of(data + kHead, size - kHead);
  const std::size_t first = std::min<std::size_t>(data[0] + 256U * data[1], bytes.size());
  const std::string_view before = bytes.substr(0, first);
  const std::string_view after = bytes.substr(first);
  const bool same = policy::same_index_entries(before, after);
  fuzz::require(same == policy::same_index_entries(after, before));
  if (same) {
    fuzz::require(policy::same_index_entries(before, before));
    fuzz::require(policy::same_index_entries(after, after));
  }
  return 0;
}
