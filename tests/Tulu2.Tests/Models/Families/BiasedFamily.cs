using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Tulu2.Models.Families;

namespace Tulu2.Tests.Models.Families;

/// <summary>A family that exists in tests only, with every bias that a decoder can have: what a new family is made of.</summary>
internal sealed class BiasedFamily : ModelFamily
{
    public static readonly BiasedFamily Instance = new();

    /// <summary>Known by its name from now on, as the families of the product are.</summary>
    public static void Register() => ModelFamilies.Add(Instance);

    public override string Name => "biased";
    public override IReadOnlyList<string> ModelTypes => ["biased"];
    public override string Architecture => "BiasedForCausalLM";

    public override ModelConfig Read(ConfigFile file) => new BiasedConfig(file.Shape());

    public override void Write(ModelConfig config, JsonObject json) => json.TryAdd("attention_bias", true);

    public override IReadOnlyList<ModelTensor> Tensors(ModelConfig config) =>
        DecoderTensors.Of(config, "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj");
}

internal sealed record BiasedConfig : ModelConfig
{
    [SetsRequiredMembers]
    public BiasedConfig(ModelConfig shape) : base(shape)
    {
    }

    internal override ModelFamily Family => BiasedFamily.Instance;
}
