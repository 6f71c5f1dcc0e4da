#include "policy/decoys.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/path.h"
#include "base/text.h"

namespace sandbox_run::policy {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

class DecoyMaker {
 public:
  DecoyMaker(const RandomSource& random, std::string_view home)
      : random_(random), home_(home), user_(base::file_name(home)) {}

  DecoySet make() {
    add_ssh();
    add_aws();
    add_netrc();
    add_git();
    add_docker();
    add_kube();
    add_dotenv();
    add_variables();
    return std::move(decoys_);
  }

 private:
  void add(std::string_view path, std::string content, std::vector<std::string> secrets,
           DecoyReaders readers = DecoyReaders::nobody) {
    decoys_.files.push_back(
        {base::join_path(home_, path), std::move(content), std::move(secrets), readers});
  }
  std::string letters(std::size_t count) { return random_letters_and_digits(random_, count); }

  void add_ssh() {
    const SshKey key = ssh_key(random_, user_ + "@workstation");
    // Of the fourth line of base 64 what encodes the secret bytes (161 to 192) and nothing else:
    // around them stands what is in every key.
    constexpr std::size_t kSecretLine = 4;
    const std::string line = base::split(key.private_file, '\n').at(kSecretLine);
    add(".ssh/id_ed25519", key.private_file, {key.seed, line.substr(5, 42)});
  }

  void add_aws() {
    const std::string id = aws_access_key_id(random_);
    const std::string secret = aws_secret_access_key(random_);
    add(".aws/credentials",
        "[default]\naws_access_key_id = " + id + "\naws_secret_access_key = " + secret + "\n",
        {id, secret});
  }

  void add_netrc() {
    const std::string password = letters(24);
    add(".netrc", "machine git.corp.internal\nlogin " + user_ + "\npassword " + password + "\n",
        {password}, DecoyReaders::http_clients);
  }

  void add_git() {
    const std::string token = checksummed_token(random_, "ghp_");
    add(".git-credentials", "https://" + user_ + ":" + token + "@github.com\n", {token});
  }

  void add_docker() {
    const std::string password = letters(32);
    const std::string login = base::base64_encode(user_ + ":" + password);
    add(".docker/config.json",
        "{\n\t\"auths\": {\n\t\t\"docker.corp.internal\": {\n\t\t\t\"auth\": \"" + login +
            "\"\n\t\t}\n\t}\n}\n",
        {password, login});
  }

  void add_kube() {
    const std::string token = service_account_token(random_);
    const std::string signature = token.substr(token.rfind('.') + 1);
    add(".kube/config",
        "apiVersion: v1\nkind: Config\nclusters:\n- name: prod\n  cluster:\n"
        "    server: https://k8s.corp.internal:6443\ncontexts:\n- name: prod\n  context:\n"
        "    cluster: prod\n    user: deployer\ncurrent-context: prod\nusers:\n- name: deployer\n"
        "  user:\n    token: " +
            token + "\n",
        {signature});
  }

  void add_dotenv() {
    const std::string password = letters(20);
    const std::string key = random_text(random_, kHex, 64);
    add(".env",
        "DATABASE_URL=postgres://app:" + password +
            "@db.corp.internal:5432/app\nSECRET_KEY=" + key + "\n",
        {password, key});
  }

  void add_variables() {
    decoys_.variables = {{"AWS_ACCESS_KEY_ID", aws_access_key_id(random_)},
                         {"AWS_SECRET_ACCESS_KEY", aws_secret_access_key(random_)},
                         {"GITHUB_TOKEN", checksummed_token(random_, "ghp_")},
                         {"NPM_TOKEN", checksummed_token(random_, "npm_")}};
  }

  const RandomSource& random_;
  std::string home_;
  std::string user_;
  DecoySet decoys_;
};

}  // namespace

DecoySet make_decoys(const RandomSource& random, std::string_view home) {
  return DecoyMaker(random, home).make();
}

bool is_http_client(std::string_view program) {
  constexpr std::array<std::string_view, 6> kNames = {
      "curl", "wget", "git", "git-remote-http", "git-remote-https", "git-remote-ftp"};
  const std::string name = base::file_name(program);
  return name.starts_with("python") || name.starts_with("pypy") ||
         std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace sandbox_run::policy
