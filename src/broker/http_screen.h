#pragma once

#include <string_view>
#include <utility>

#include "broker/screen.h"

// HTTP/1.x without TLS: each request of the connection must be for the pinned host, so each has to
// be found. Heads are read; bodies, whose lengths they tell, pass unseen, and so do the responses.

namespace sandbox_run::broker {

class HttpScreen : public Screen {
 public:
  explicit HttpScreen(Pin pin) : pin_(std::move(pin)) {}

  bool watches(Direction direction) const override { return direction == Direction::up; }
  Verdict look(Direction direction, std::span<const std::uint8_t> pending, Input input) override;

 private:
  /// What comes next in the request that is looked at.
  enum class Part : std::uint8_t { head, chunk_line, chunk_end, last_chunk_end };

  /// Judges one part, at the beginning of `bytes`. pass: of this part, and of a body behind it.
  Verdict look_at_part(std::string_view bytes);
  Verdict look_at_head(std::string_view bytes);
  Verdict look_at_chunk_line(std::string_view bytes);
  Verdict look_at_line_end(std::string_view bytes, Part next);

  Pin pin_;
  Part part_ = Part::head;
};

}  // namespace sandbox_run::broker
