#include "inferometer/engine/worker.h"

#include <istream>
#include <ostream>
#include <string>

#include "inferometer/base/error.h"
#include "inferometer/engine/wire.h"

namespace ifm {
namespace {

using nlohmann::json;

void send(std::ostream& output, const json& message) {
  output << message.dump(-1, ' ', false, json::error_handler_t::replace) << '\n' << std::flush;
}

/// Writes each token event as a line as soon as it is there.
class LineSink final : public TokenSink {
 public:
  explicit LineSink(std::ostream& output) : output_(output) {}
  void on_tokens(const TokenEvent& event) override {
    send(output_, {{"ids", std::vector<TokenId>(event.ids.begin(), event.ids.end())}, {"text", event.text}});
  }

 private:
  std::ostream& output_;
};

struct Served {
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Model> model;
};

void answer(const json& message, Served& served, std::ostream& output,
            const std::function<std::unique_ptr<Engine>(const EngineOptions&)>& make) {
  if (const auto load = message.find("load"); load != message.end()) {
    served.engine = make(options_from_wire(load->at("options")));
    served.model = served.engine->load(load->at("path").get<std::string>(), load->at("name").get<std::string>());
    ModelInfo info = served.model->info();
    if (info.engine_version.empty()) info.engine_version = served.engine->version();
    send(output, {{"info", to_wire(info)}});
    return;
  }
  if (served.model == nullptr) fail(ErrorKind::usage, "worker: no model is loaded (expected a load line first)");
  if (const auto request = message.find("generate"); request != message.end()) {
    LineSink sink(output);
    const Completion completion = served.model->generate(request_from_wire(*request), sink, {});
    send(output, {{"done", to_wire(completion)}});
  } else if (const auto encode = message.find("encode"); encode != message.end()) {
    send(output, {{"ids", served.model->encode(request_from_wire(*encode))}});
  } else if (const auto decode = message.find("decode"); decode != message.end()) {
    send(output, {{"text", served.model->decode(decode->get<std::vector<TokenId>>())}});
  } else {
    fail(ErrorKind::usage, "worker: a line without load, generate, encode or decode");
  }
}

}  // namespace

void serve_worker(std::istream& input, std::ostream& output,
                  const std::function<std::unique_ptr<Engine>(const EngineOptions&)>& make) {
  Served served;
  std::string line;
  while (std::getline(input, line)) {
    try {
      answer(json::parse(line), served, output, make);
    } catch (const Error& error) {
      send(output, {{"error", {{"kind", to_string(error.kind())}, {"message", error.message()}}}});
    } catch (const json::exception&) {
      fail(ErrorKind::invalid_data, "worker: a line that is not of the protocol");
    }
  }
}

}  // namespace ifm
