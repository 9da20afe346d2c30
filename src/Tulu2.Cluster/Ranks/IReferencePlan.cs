namespace Tulu2.Cluster.Ranks;

/// <summary>
/// The reference pass of DPO: log-probabilities of the run's pairs under the initial weights, in chunks that any rank can do in any order.
/// </summary>
public interface IReferencePlan : IScoringPlan
{
    /// <summary>The cache has this chunk already.</summary>
    bool IsDone(int chunk);

    /// <summary>
    /// Takes the summed log-probability of each segment of a chunk. Called once per chunk that was not done, one call at a time, on a thread that may block.
    /// </summary>
    void Store(int chunk, float[] logProbabilities);

    /// <summary>
    /// Every chunk is stored: the cache becomes durable and can be read. Called on the same thread before the first step, unless all were done.
    /// </summary>
    void Complete();
}
