namespace Tulu2.Evaluation.Generation;

/// <summary>Limits of an engine.</summary>
public sealed record EngineSettings
{
    /// <summary>Samples that run at a time, at most; others wait.</summary>
    public int MaxRunning { get; init; } = 32;

    /// <summary>Requests that wait, at most; one more is refused.</summary>
    public int MaxWaiting { get; init; } = int.MaxValue;

    /// <summary>
    /// Tokens in the key-value cache, running and kept for reuse; null: what <see cref="MaxRunning"/> sequences of a full context need, within 2 GiB, but
    /// at least one full context. Rounded up to whole pages.
    /// </summary>
    public int? CacheTokens { get; init; }

    /// <summary>Prompt tokens that are computed at a time, at most, between two steps of what runs.</summary>
    public int PrefillChunk { get; init; } = 256;

    /// <summary>Keep the cache of finished requests, for those that begin with the same tokens.</summary>
    public bool ReusePrefixes { get; init; } = true;

    /// <summary>Threads that compute. The results do not depend on it.</summary>
    public int Threads { get; init; } = 1;
}
