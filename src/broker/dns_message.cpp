#include "broker/dns_message.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "broker/byte_reader.h"

namespace sandbox_run::broker {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kMaxNameBytes = 255;  // on the wire, length bytes and root included
constexpr std::uint8_t kMaxLabelBytes = 63;
constexpr std::uint8_t kPointerBits = 0xc0;
constexpr unsigned kResponseBit = 0x8000;
constexpr unsigned kRecursionDesiredBit = 0x0100;
constexpr unsigned kRecursionAvailableBit = 0x0080;
constexpr std::uint16_t kOurUdpSize = 1232;  // what we tell EDNS clients that we take

bool is_label_byte(std::uint8_t byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

void append_label(std::span<const std::uint8_t> label, DnsQuestion& question) {
  if (!question.name.empty()) question.name += '.';
  for (std::uint8_t byte : label) {
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<std::uint8_t>(byte - 'A' + 'a');
    if (is_label_byte(byte)) {
      question.name += static_cast<char>(byte);
    } else {
      question.is_host_name = false;
      question.name += base::format("\\{:03}", byte);
    }
  }
}

/// A name without compression, which a question has no use for: it is the first name there is.
void read_question_name(ByteReader& reader, DnsQuestion& question) {
  question.is_host_name = true;
  const std::size_t start = reader.offset();
  while (reader.ok()) {
    const std::uint8_t length = reader.u8();
    if (length == 0) break;
    if (length > kMaxLabelBytes) return reader.fail();
    append_label(reader.take(length), question);
    if (reader.offset() - start >= kMaxNameBytes) return reader.fail();  // the root still follows
  }
  if (question.name.empty()) question.is_host_name = false;
}

/// Any name of a later section; where a pointer leads is no matter.
void skip_name(ByteReader& reader) {
  while (reader.ok()) {
    const std::uint8_t length = reader.u8();
    if (length == 0) return;
    if ((length & kPointerBits) == kPointerBits) {
      reader.u8();
      return;
    }
    if (length > kMaxLabelBytes) return reader.fail();
    reader.take(length);
  }
}

/// Passes over all records; notes an OPT record. At least 11 bytes each, so the message's size
/// bounds the loop whatever the header counts.
void read_records(ByteReader& reader, unsigned count, DnsQuery& query) {
  for (; count > 0 && reader.ok(); --count) {
    skip_name(reader);
    const std::uint16_t type = reader.u16();
    reader.u16();  // class; OPT: the client's UDP size, which none of our answers reaches
    reader.u8();   // extended rcode
    const std::uint8_t version = reader.u8();
    reader.u16();
    reader.take(reader.u16());
    if (type != dns_type::kOpt || !reader.ok()) continue;
    if (query.edns) return reader.fail();  // RFC 6891, 6.1.1: more than one is a format error
    query.edns = true;
    if (version != 0) query.problem = Rcode::bad_version;
  }
}

void put16(std::vector<std::uint8_t>& bytes, unsigned value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8U & 0xffU));
  bytes.push_back(static_cast<std::uint8_t>(value & 0xffU));
}

void put32(std::vector<std::uint8_t>& bytes, std::uint32_t value) {
  put16(bytes, value >> 16U);
  put16(bytes, value & 0xffffU);
}

}  // namespace

std::optional<DnsQuery> parse_dns_query(std::span<const std::uint8_t> message) {
  if (message.size() < kHeaderBytes) return std::nullopt;
  ByteReader reader(message);
  DnsQuery query;
  query.id = reader.u16();
  const unsigned flags = reader.u16();
  // Answering an answer could make two servers talk to each other without end.
  if ((flags & kResponseBit) != 0) return std::nullopt;
  query.opcode = static_cast<std::uint8_t>(flags >> 11U & 0xfU);
  query.recursion_desired = (flags & kRecursionDesiredBit) != 0;
  const unsigned questions = reader.u16();
  unsigned records = reader.u16();
  records += reader.u16();
  records += reader.u16();

  if (query.opcode != 0) {
    query.problem = Rcode::not_implemented;
    return query;
  }
  query.problem = Rcode::format_error;
  if (questions != 1) return query;
  DnsQuestion question;
  const std::size_t start = reader.offset();
  read_question_name(reader, question);
  question.type = reader.u16();
  question.klass = reader.u16();
  if (!reader.ok()) return query;
  const auto raw = message.subspan(start, reader.offset() - start);
  question.raw.assign(raw.begin(), raw.end());
  query.problem = question.klass == kDnsClassIn ? Rcode::no_error : Rcode::refused;
  query.question = std::move(question);
  read_records(reader, records, query);
  if (!reader.ok()) query.problem = Rcode::format_error;
  return query;
}

std::vector<std::uint8_t> build_dns_response(const DnsQuery& query, const DnsAnswer& answer) {
  const auto rcode = static_cast<unsigned>(answer.rcode);
  const bool has_record = query.question && !answer.address.empty();
  std::vector<std::uint8_t> bytes;
  put16(bytes, query.id);
  put16(bytes, kResponseBit | static_cast<unsigned>(query.opcode) << 11U |
                   (query.recursion_desired ? kRecursionDesiredBit : 0U) | kRecursionAvailableBit |
                   (rcode & 0xfU));
  put16(bytes, query.question ? 1 : 0);
  put16(bytes, has_record ? 1 : 0);
  put16(bytes, 0);
  put16(bytes, query.edns ? 1 : 0);
  if (query.question) {
    bytes.insert(bytes.end(), query.question->raw.begin(), query.question->raw.end());
  }
  if (has_record) {
    put16(bytes, kPointerBits << 8U | kHeaderBytes);  // the question's name
    put16(bytes, answer.address.size() == 16 ? dns_type::kAaaa : dns_type::kA);
    put16(bytes, kDnsClassIn);
    put32(bytes, answer.ttl);
    put16(bytes, static_cast<unsigned>(answer.address.size()));
    bytes.insert(bytes.end(), answer.address.begin(), answer.address.end());
  }
  if (query.edns) {
    bytes.push_back(0);  // the root's name
    put16(bytes, dns_type::kOpt);
    put16(bytes, kOurUdpSize);
    put32(bytes, static_cast<std::uint32_t>(rcode >> 4U) << 24U);
    put16(bytes, 0);
  }
  return bytes;
}

std::string dns_type_name(std::uint16_t type) {
  using Entry = std::pair<std::uint16_t, std::string_view>;
  static constexpr std::array kNames = {Entry{1, "A"},      Entry{2, "NS"},    Entry{5, "CNAME"},
                                        Entry{6, "SOA"},    Entry{12, "PTR"},  Entry{15, "MX"},
                                        Entry{16, "TXT"},   Entry{28, "AAAA"}, Entry{33, "SRV"},
                                        Entry{35, "NAPTR"}, Entry{64, "SVCB"}, Entry{65, "HTTPS"},
                                        Entry{252, "AXFR"}, Entry{255, "ANY"}};
  const auto* const found = std::find_if(kNames.begin(), kNames.end(),
                                         [&](const Entry& entry) { return entry.first == type; });
  return found != kNames.end() ? std::string(found->second) : base::format("TYPE{}", type);
}

}  // namespace sandbox_run::broker
