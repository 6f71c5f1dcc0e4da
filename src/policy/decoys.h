#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/decoy_tokens.h"

// Decoys: credentials that open nothing, put where thieves look. Whoever touches one has said what
// it is after. Made anew for each run, each value in one place only: one that turns up elsewhere
// says from where it was taken.

namespace sandbox_run::policy {

/// Who opens a file of this kind in the ordinary course of an install.
enum class DecoyReaders {
  nobody,
  /// curl, git, pip and every program with Python's requests look into ~/.netrc.
  http_clients
};

struct DecoyFile {
  std::string path;  // absolute
  std::string content;
  std::vector<std::string> secrets;  // what of the content must turn up nowhere; random parts only
  DecoyReaders readers = DecoyReaders::nobody;
};

struct DecoyVariable {
  std::string name;
  std::string value;
};

struct DecoySet {
  std::vector<DecoyFile> files;
  std::vector<DecoyVariable> variables;
};

/// `home` is the fake home, absolute; its last component passes for the user's name.
DecoySet make_decoys(const RandomSource& random, std::string_view home);

/// Whether one of the programs that DecoyReaders::http_clients means: by the last component of
/// the path of its binary.
bool is_http_client(std::string_view program);

}  // namespace sandbox_run::policy
