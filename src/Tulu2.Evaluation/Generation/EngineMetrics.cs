namespace Tulu2.Evaluation.Generation;

/// <summary>What an engine does at a moment, and what it has done.</summary>
/// <param name="Running">Samples that are being generated, or whose prompt is being computed.</param>
/// <param name="Waiting">Requests without room.</param>
/// <param name="Requests">Requests that have ended.</param>
/// <param name="PromptTokens">Prompt tokens of admitted requests, in all.</param>
/// <param name="CachedTokens">Those of them that were in the cache: hits.</param>
/// <param name="GeneratedTokens">In all.</param>
/// <param name="TokensPerSecond">Generated in the last seconds.</param>
/// <param name="CacheCapacity">Tokens that the cache holds.</param>
/// <param name="CacheInUse">Tokens' room that running requests hold.</param>
/// <param name="CacheKept">Tokens' room that is kept for reuse, and freed when it is needed.</param>
public sealed record EngineMetrics(
    int Running, int Waiting, long Requests, long PromptTokens, long CachedTokens, long GeneratedTokens, double TokensPerSecond, int CacheCapacity,
        int CacheInUse,
    int CacheKept);
