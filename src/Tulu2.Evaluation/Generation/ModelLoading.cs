using Tulu2.Evaluation.Shards;
using Tulu2.Models.Inference;

namespace Tulu2.Evaluation.Generation;

/// <summary>How a model is loaded.</summary>
public sealed record ModelLoading
{
    /// <summary>How the weights are held.</summary>
    public InferencePrecision Precision { get; init; } = InferencePrecision.Stored;

    /// <summary>Processes that hold the model between them; no bit of a result depends on it.</summary>
    public int Shards { get; init; } = 1;

    /// <summary>Starts those of the other shards; null: <see cref="Shards"/> is 1.</summary>
    public IShardHosting? Hosting { get; init; }
}
