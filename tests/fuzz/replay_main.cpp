// Runs a fuzz target over each file of a directory, in place of libFuzzer: its corpus then is a
// unit test. Usage: replay TARGET DIRECTORY
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz.h"

int main(int count, char** arguments) {
  constexpr int kCount = 3;
  if (count != kCount) return 2;
  const auto target = sandbox_run::fuzz::targets().find(arguments[1]);
  if (target == sandbox_run::fuzz::targets().end()) return 2;
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(arguments[2])) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> content{std::istreambuf_iterator<char>(file), {}};
    (void)std::printf("%s\n", entry.path().filename().c_str());
    (void)std::fflush(stdout);
    target->second(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
    ++files;
  }
  return files > 0 ? 0 : 1;
}
