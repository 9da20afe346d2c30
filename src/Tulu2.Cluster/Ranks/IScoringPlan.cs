using Tulu2.Data.Slots;

namespace Tulu2.Cluster.Ranks;

/// <summary>Sequences whose log-probabilities the ranks compute outside of steps, in chunks that any replica can do in any order.</summary>
public interface IScoringPlan
{
    /// <summary>Chunks, numbered from 0.</summary>
    int Chunks { get; }

    /// <summary>The chunk's segments. Called on the data loader's thread.</summary>
    SlotBatch Read(int chunk);
}
