#include "watch/trusted_programs.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "root_directory.h"

namespace sandbox_run::watch {
namespace {

const std::string kPackage = "/usr/lib/node_modules/pnpm";

/// pnpm and pip as they lie in a system, and a project.
class Installed {
 public:
  Installed() {
    for (const char* path :
         {"/usr/bin/node", "/usr/bin/python3.11", "/usr/bin/pip3", "/usr/bin/git", "/usr/bin/bash",
          "/usr/lib/git-core/git-remote-http", "/usr/lib/git-core/git-submodule",
          "/usr/lib/git-core/git-mergetool", "/opt/bin/git", "/project/h.js", "/pip/pip/main.py",
          "/other/pip.py", "/usr/lib/node_modules/evil/x.js"}) {
      place_.file(path);
    }
    place_.file(kPackage + "/bin/pnpm.cjs");
    place_.file(kPackage + "/dist/worker.js");
    place_.link("/usr/bin/pnpm", kPackage + "/bin/pnpm.cjs");
    place_.link("/usr/bin/python3", "python3.11");
    place_.link("/bin", "usr/bin");
  }

  bool trusts(const std::vector<std::string>& arguments,
              const std::string& directory = "/project") const {
    const ProcessRoot root = place_.process_in(directory);
    ExecFacts exec;
    exec.arguments = arguments;
    return trusted_.cover(root.look_up(arguments[0]), exec, root);
  }

 private:
  RootDirectory place_;
  TrustedPrograms trusted_{{kPackage + "/bin/pnpm.cjs", "/usr/bin/node", "/usr/bin/pip3",
                            "/usr/bin/python3.11", "/pip/pip/"}};
};

TEST_CASE("node is trusted with the package manager's own scripts only") {
  const Installed host;
  CHECK(host.trusts({"/usr/bin/pnpm", "exec", "x"}));
  CHECK(host.trusts({"/bin/node", "/usr/bin/pnpm", "exec", "node", "h.js"}));
  CHECK(host.trusts({"/usr/bin/node", kPackage + "/dist/worker.js"}));
  CHECK(host.trusts({"/usr/bin/node", "../usr/lib/node_modules/pnpm/dist/worker.js"}));
  CHECK(host.trusts({"/usr/bin/node", "--version"}));
  for (const std::vector<std::string>& others :
       std::vector<std::vector<std::string>>{{"h.js"},
                                             {},
                                             {"-e", "1"},
                                             {"-r", "./h.js", kPackage + "/bin/pnpm.cjs"},
                                             {"--require=./h.js", kPackage + "/bin/pnpm.cjs"},
                                             {kPackage},
                                             {kPackage + "/dist/none.js"},
                                             {kPackage + "/../evil/x.js"},
                                             {"--version", "h.js"}}) {
    std::vector<std::string> arguments = {"/usr/bin/node"};
    arguments.insert(arguments.end(), others.begin(), others.end());
    CAPTURE(others.size());
    CHECK_FALSE(host.trusts(arguments));
  }
}

TEST_CASE("python is trusted with pip only") {
  const Installed host;
  CHECK(host.trusts({"/usr/bin/pip3", "install", "x"}));
  CHECK(host.trusts({"/usr/bin/python3", "-m", "pip", "install"}));
  CHECK(host.trusts({"/usr/bin/python3", "-IsE", "-B", "/usr/bin/pip3"}));
  CHECK(host.trusts({"/usr/bin/python3", "/pip/pip/main.py"}));
  CHECK_FALSE(host.trusts({"/usr/bin/python3", "-m", "pip"}, "/other"));  // ./pip.py
  CHECK_FALSE(host.trusts({"/usr/bin/python3", "-m", "pip"}, "/pip"));
  CHECK_FALSE(host.trusts({"/usr/bin/python3", "-m", "build"}));
  CHECK_FALSE(host.trusts({"/usr/bin/python3", "-c", "import pip"}));
  CHECK_FALSE(host.trusts({"/usr/bin/python3", "-"}));
  CHECK_FALSE(host.trusts({"/usr/bin/python3", "--version"}));
  CHECK_FALSE(host.trusts({"/usr/bin/python3", "-ic", "/usr/bin/pip3"}));
}

TEST_CASE("helpers are trusted in the system's directories only") {
  const Installed host;
  CHECK(host.trusts({"/bin/git", "clone"}));
  CHECK(host.trusts({"/usr/lib/git-core/git-remote-http"}));
  CHECK_FALSE(host.trusts({"/opt/bin/git", "clone"}));
  CHECK_FALSE(host.trusts({"/usr/bin/bash", "--version"}));
  CHECK_FALSE(host.trusts({"/usr/bin/bash", kPackage + "/bin/pnpm.cjs"}));  // not of the chain
  CHECK_FALSE(host.trusts({"/usr/bin/none"}));
}

TEST_CASE("of git's own programs those that evaluate nothing, and the shell for the other side") {
  const Installed host;
  CHECK(host.trusts({"/usr/lib/git-core/git-submodule", "update"}));
  CHECK_FALSE(host.trusts({"/usr/lib/git-core/git-mergetool"}));
  CHECK(host.trusts({"/bin/bash", "-c", "git-upload-pack '/x/a repository'"}));
  CHECK(host.trusts({"/bin/bash", "-c", "git-receive-pack '../x'", "git-receive-pack '../x'"}));
  for (const char* words :
       {"git-upload-pack '/x'; evil", "git-upload-pack '/x' 'y'", "git-upload-pack '/x'\\''y'",
        "./git-upload-pack '/x'", "git-upload-pack '", "git-upload-pack $(evil)"}) {
    CAPTURE(words);
    CHECK_FALSE(host.trusts({"/bin/bash", "-c", words}));
  }
  CHECK_FALSE(host.trusts({"/bin/bash", "-xc", "git-upload-pack '/x'"}));
  CHECK_FALSE(host.trusts({"/bin/bash", "git-upload-pack '/x'", "-c"}));
}

TEST_CASE("an interpreter that is a package manager is one with its words alone") {
  const RootDirectory place;
  for (const char* path : {"/usr/bin/bun", "/usr/bin/node", "/opt/bun", "/opt/bun.exe"}) {
    place.file(path);
  }
  const ProcessRoot root = place.process_in("/");
  const TrustedPrograms programs({"/usr/bin/bun", "/usr/bin/node", "/opt/bun.exe"},
                                 {{"bun add", "bunx *"}, {}});
  const auto is_manager = [&](const std::string& path, std::vector<std::string> arguments) {
    ExecFacts exec;
    exec.arguments = std::move(arguments);
    const bool manager = programs.is_manager(root.look_up(path), exec, root);
    CHECK(programs.cover(root.look_up(path), exec, root) == manager);
    return manager;
  };
  CHECK(is_manager("/usr/bin/bun", {"bun", "add", "x"}));
  CHECK(is_manager("/usr/bin/bun", {"bunx", "x"}));
  CHECK(is_manager("/opt/bun.exe", {"bun", "add", "x"}));
  CHECK_FALSE(is_manager("/usr/bin/bun", {"bun", "run", "add"}));
  CHECK_FALSE(is_manager("/usr/bin/bun", {"bun", "x.js"}));
  CHECK_FALSE(is_manager("/usr/bin/bun", {"node", "add"}));
  CHECK_FALSE(is_manager("/usr/bin/bun", {}));
  CHECK_FALSE(is_manager("/usr/bin/node", {"bun", "add"}));  // ./add, said to be bun
  CHECK_FALSE(is_manager("/opt/bun", {"bun", "add"}));
}

TEST_CASE("without a chain only helpers are trusted") {
  const RootDirectory place;
  place.file("/usr/bin/node");
  place.file("/usr/bin/tar");
  const ProcessRoot root = place.process_in("/");
  const TrustedPrograms none({});
  CHECK(none.cover(root.look_up("/usr/bin/tar"), {}, root));
  CHECK_FALSE(none.cover(root.look_up("/usr/bin/node"), {}, root));
  CHECK_FALSE(none.cover(Look{}, {}, root));
}

}  // namespace
}  // namespace sandbox_run::watch
