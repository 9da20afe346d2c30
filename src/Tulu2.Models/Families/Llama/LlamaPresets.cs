namespace Tulu2.Models.Families.Llama;

/// <summary>
/// Known shapes (docs/reference/tulu2.md, models). A <c>tulu2-*</c> preset follows the released models' own config.json: positions up to 8,192, and for 7B and
/// 13B another epsilon than their base model's. <c>demo</c> and <c>tiny</c> are ours, for training from nothing in minutes and for tests; their vocabulary is
/// the tokenizer's, the one here a default.
/// </summary>
internal static class LlamaPresets
{
    public static readonly IReadOnlyDictionary<string, ModelPreset> All = new Dictionary<string, ModelPreset>
    {
        ["llama2-7b"] = new(Llama2(4096, 11008, 32, 32, 32), 6_738_415_616),
        ["llama2-13b"] = new(Llama2(5120, 13824, 40, 40, 40), 13_015_864_320),
        ["llama2-70b"] = new(Llama2(8192, 28672, 80, 64, 8), 68_976_648_192),
        ["codellama-7b"] = new(Code(4096, 11008, 32, 32, 32, vocabulary: 32016), 6_738_546_688),
        ["codellama-13b"] = new(Code(5120, 13824, 40, 40, 40, vocabulary: 32016), 13_016_028_160),
        ["codellama-34b"] = new(Code(8192, 22016, 48, 64, 8, vocabulary: 32000), 33_743_970_304),
        ["tulu2-7b"] = new(Llama2(4096, 11008, 32, 32, 32) with { RmsNormEpsilon = 1e-6, MaxPositions = 8192 }, 6_738_415_616),
        ["tulu2-13b"] = new(Llama2(5120, 13824, 40, 40, 40) with { RmsNormEpsilon = 1e-6, MaxPositions = 8192 }, 13_015_864_320),
        ["tulu2-70b"] = new(Llama2(8192, 28672, 80, 64, 8) with { MaxPositions = 8192 }, 68_976_648_192),
        ["demo"] = new(Small(192, 512, 4, 4, 4), 1_967_808),
        ["tiny"] = new(Small(64, 128, 2, 4, 2), 139_584),
    };

    private static LlamaConfig Llama2(int hidden, int intermediate, int layers, int heads, int keyValueHeads) => new()
    {
        HiddenSize = hidden,
        IntermediateSize = intermediate,
        Layers = layers,
        Heads = heads,
        KeyValueHeads = keyValueHeads,
        HeadSize = hidden / heads,
        VocabularySize = 32000,
        RmsNormEpsilon = 1e-5,
        MaxPositions = 4096,
    };

    private static LlamaConfig Code(int hidden, int intermediate, int layers, int heads, int keyValueHeads, int vocabulary) =>
        Llama2(hidden, intermediate, layers, heads, keyValueHeads) with { VocabularySize = vocabulary, RopeTheta = 1e6, MaxPositions = 16384 };

    private static LlamaConfig Small(int hidden, int intermediate, int layers, int heads, int keyValueHeads) =>
        Llama2(hidden, intermediate, layers, heads, keyValueHeads) with { VocabularySize = 512 };
}
