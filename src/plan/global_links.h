#pragma once

#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "policy/global_install.h"

// `npm link` in a package makes it a global one; `npm link NAME` links that into a project, and it
// is used there by each command from then on, though no manifest says so. pnpm's and bun's, too.

namespace sandbox_run::plan {

/// "link", "ln"
bool is_linking(const std::string& word);

/// What `npm link WORD…` names. Empty: it is another command. Pure.
std::vector<std::string> linked_words(policy::PackageManager manager,
                                      const std::vector<std::string>& arguments);

/// Of such words the global packages that are there. Looks at the host.
std::vector<NamedPackage> named_global_packages(const policy::GlobalInstall& places,
                                                const std::vector<std::string>& words);

/// What npm does not find among the global packages, and installs there first.
std::vector<std::string> words_to_install_first(policy::PackageManager manager,
                                                const policy::GlobalInstall& places,
                                                std::vector<std::string> words);

/// The packages of node_modules that are links to a directory outside of the project. Looks at the
/// host.
std::vector<NamedPackage> packages_linked_out(const HostFacts& facts);

/// Of these the ones that the user's own `npm link` made: the global package of this name is a link
/// to the same place.
///
/// The attack: a dependency's script leaves such a link to another project of the user's, to read
/// that the next time.
std::vector<NamedPackage> linked_by_user(std::vector<NamedPackage> packages,
                                         const policy::GlobalInstall& places);

}  // namespace sandbox_run::plan
