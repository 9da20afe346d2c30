using System.Text.Json.Nodes;
using Tulu2.Files;

namespace Tulu2.Models.Families;

/// <summary>
/// A family of decoders: how its <c>config.json</c> is read and written, and which tensors a model of it has. Addresses in the flat buffers, random
/// weights, memory and cost, reading and export follow from these. Families are found by their class (<see cref="ModelFamilies"/>).
/// </summary>
internal abstract class ModelFamily
{
    /// <summary>Lower case.</summary>
    public abstract string Name { get; }

    /// <summary>Values of <c>model_type</c> that it reads; the first is the one that it writes.</summary>
    public abstract IReadOnlyList<string> ModelTypes { get; }

    /// <summary>The entry of <c>architectures</c>.</summary>
    public abstract string Architecture { get; }

    /// <summary>Also reads files without a <c>model_type</c>.</summary>
    public virtual bool ReadsUntyped => false;

    /// <summary>Known shapes by the names that recipes call them.</summary>
    public virtual IReadOnlyDictionary<string, ModelPreset> Presets => new Dictionary<string, ModelPreset>();

    /// <exception cref="BadInputException">Names the file and the key.</exception>
    public abstract ModelConfig Read(ConfigFile file);

    /// <summary>
    /// Adds keys of the family to what every <c>config.json</c> has; those of the source, which are there already, are kept where they may differ.
    /// </summary>
    public virtual void Write(ModelConfig config, JsonObject json)
    {
    }

    /// <summary>Every tensor, in the order in which files hold them.</summary>
    public virtual IReadOnlyList<ModelTensor> Tensors(ModelConfig config) => DecoderTensors.Of(config);

    public virtual InitialValue Initial(TensorRole role) => role switch
    {
        TensorRole.Norm => InitialValue.One,
        TensorRole.ColumnBias or TensorRole.RowBias => InitialValue.Zero,
        _ => InitialValue.Normal,
    };
}

/// <summary>A known shape and the parameters that its model is known to have.</summary>
internal sealed record ModelPreset(ModelConfig Config, long Parameters);

/// <summary>The families of this assembly, found by their class; tests add theirs.</summary>
internal static class ModelFamilies
{
    private static volatile IReadOnlyList<ModelFamily> _all =
    [
        .. Implementations.In<ModelFamily>(typeof(ModelFamily).Assembly).OrderBy(family => family.Name, StringComparer.Ordinal),
    ];

    /// <summary>In order of their names.</summary>
    public static IReadOnlyList<ModelFamily> All => _all;

    /// <summary>The family that reads a <c>model_type</c>; null: none.</summary>
    /// <param name="type">Null where <c>config.json</c> names none.</param>
    public static ModelFamily? Reading(string? type) => All.FirstOrDefault(family => type is null ? family.ReadsUntyped : family.ModelTypes.Contains(type));

    /// <summary>For tests.</summary>
    internal static void Add(ModelFamily family)
    {
        if (All.All(known => known.Name != family.Name)) _all = [.. All.Append(family).OrderBy(known => known.Name, StringComparer.Ordinal)];
    }
}
