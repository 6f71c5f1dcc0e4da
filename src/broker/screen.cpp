#include "broker/screen.h"

#include <utility>

#include "broker/http_screen.h"
#include "broker/tls_record.h"
#include "broker/tls_screen.h"

namespace sandbox_run::broker {
namespace {

class FirstByteScreen : public Screen {
 public:
  explicit FirstByteScreen(Pin pin) : pin_(std::move(pin)) {}

  bool watches(Direction direction) const override {
    return protocol_ == nullptr || protocol_->watches(direction);
  }
  Verdict look(Direction direction, std::span<const std::uint8_t> pending, Input input) override {
    if (protocol_ == nullptr) {
      if (direction == Direction::down) return Verdict::hold();
      if (pending.empty()) return Verdict::pass(Verdict::kAll);
      choose(pending.front());
      if (protocol_ == nullptr) {
        return Verdict::refuse({"",
                                "it speaks neither TLS nor HTTP, and the rule is not for "
                                "protocol \"any\""});
      }
    }
    return protocol_->look(direction, pending, input);
  }

 private:
  void choose(std::uint8_t first) {
    if (first == tls_type::kHandshake) {
      protocol_ = std::make_unique<TlsScreen>(std::move(pin_));
    } else if ((first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z')) {
      protocol_ = std::make_unique<HttpScreen>(std::move(pin_));
    }
  }

  Pin pin_;
  std::unique_ptr<Screen> protocol_;
};

}  // namespace

std::unique_ptr<Screen> make_screen(Pin pin) {
  return std::make_unique<FirstByteScreen>(std::move(pin));
}

}  // namespace sandbox_run::broker
