using System.Diagnostics.CodeAnalysis;

namespace Tulu2.Models.Families.Llama;

/// <summary>The shape of a Llama.</summary>
public sealed record LlamaConfig : ModelConfig
{
    public LlamaConfig()
    {
    }

    [SetsRequiredMembers]
    internal LlamaConfig(ModelConfig shape) : base(shape)
    {
    }

    internal override ModelFamily Family => LlamaFamily.Instance;
}
