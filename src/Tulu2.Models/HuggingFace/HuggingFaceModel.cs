using Tulu2.Models.Llama;

namespace Tulu2.Models.HuggingFace;

/// <summary>A Hugging Face checkpoint directory: <c>config.json</c>, safetensors (one file or sharded with an index), tokenizer files.</summary>
public static class HuggingFaceModel
{
    /// <exception cref="Files.BadInputException">No directory, no or broken config.json, an architecture that is not Llama.</exception>
    public static LlamaConfig ReadConfig(string directory) => throw new NotImplementedException();

    /// <summary>Reads every tensor into the fp32 flat buffer at <paramref name="destination"/> (layout.Length floats), converting from F32, F16 or BF16; padding is zeroed.</summary>
    /// <exception cref="Files.BadInputException">A missing, left-over or mis-shaped tensor (named), a truncated file.</exception>
    public static void ReadWeights(string directory, FlatLayout layout, nint destination) => throw new NotImplementedException();
}
