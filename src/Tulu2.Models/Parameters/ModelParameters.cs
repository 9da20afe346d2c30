using Tulu2.Models.Families;

namespace Tulu2.Models.Parameters;

/// <summary>
/// What a model reads and what of it is trained. Gradients, optimizer state, checkpoints, hashes and exports go by <see cref="Trained"/>; they and what
/// the model reads are one map where all of it is trained.
/// </summary>
/// <param name="Read">Addresses in the buffer of weights that the model computes with.</param>
/// <param name="Trained">Addresses in gradients, master weights and moments; with adapters also in the buffer of their compute weights.</param>
public sealed record ModelParameters(ParameterMap Read, ParameterMap Trained)
{
    /// <summary>What <see cref="Trained"/> holds are adapters beside the matrices of <see cref="Read"/>, which are frozen; null: it holds some of the latter.</summary>
    public AdapterSettings? Adapter { get; private init; }

    /// <summary>Frozen matrices that are held in 4 bits, and are not in <see cref="Read"/>; null: none. Its offsets stand for no buffer.</summary>
    public ParameterMap? Quantized { get; private init; }

    /// <summary>Full fine-tuning: everything that is read is trained.</summary>
    public static ModelParameters Full(ParameterMap map) => new(map, map);

    /// <summary>Adapters are trained beside a frozen model.</summary>
    /// <param name="quantized">Its linear layers but the head are held in 4 bits.</param>
    public static ModelParameters Adapted(ParameterMap map, AdapterSettings adapter, bool quantized = false)
    {
        var trained = Some(AdapterTensors.Of(map.Config, adapter));
        if (!quantized) return new(map, trained) { Adapter = adapter };
        IReadOnlyList<ModelTensor> linears = [.. AdapterSettings.Adaptable(map.Config)];
        var names = linears.Select(tensor => tensor.Name).ToHashSet();
        return new(Some([.. map.Config.Family.Tensors(map.Config).Where(tensor => !names.Contains(tensor.Name))]), trained)
        {
            Adapter = adapter,
            Quantized = Some(linears),
        };

        ParameterMap Some(IReadOnlyList<ModelTensor> tensors) => new(map.Config, tensors, map.VirtualShards, map.Part);
    }

    /// <summary>A map alone stands for parameters all of which are trained.</summary>
    public static implicit operator ModelParameters(ParameterMap map) => Full(map);

    /// <summary>Everything that is read is trained.</summary>
    public bool IsFull => ReferenceEquals(Read, Trained);

    /// <summary>The map that holds a matrix.</summary>
    internal ParameterMap MapOf(string key) => Read.Find(key) is null && Quantized is not null ? Quantized : Read;

    public ModelConfig Config => Read.Config;
    public int VirtualShards => Read.VirtualShards;

    /// <summary>The same of a part of the model.</summary>
    public ModelParameters Of(ModelPart part)
    {
        var read = Read.Of(part);
        return new(read, IsFull ? read : Trained.Of(part)) { Adapter = Adapter, Quantized = Quantized?.Of(part) };
    }
}
