namespace Tulu2.Evaluation.Judges;

/// <summary>What all judges of an evaluation share.</summary>
public sealed record JudgeSettings
{
    /// <summary>Directory in which verdicts are kept; null: none are kept.</summary>
    public string? Cache { get; init; }

    /// <summary>File with the key of the endpoint; null: the environment has it (docs/environment.md).</summary>
    public string? KeyFile { get; init; }

    /// <summary>File of prices; null: costs are counted in tokens only.</summary>
    public string? Prices { get; init; }

    public JudgeLimits Limits { get; init; } = new();
}

/// <summary>How fast endpoints are asked.</summary>
/// <param name="Parallel">Maximum number of requests at the same time.</param>
/// <param name="RequestsPerMinute">Null: no limit.</param>
/// <param name="TokensPerMinute">Of prompts and of verdicts at their longest; null: no limit.</param>
public sealed record JudgeLimits(int Parallel = 8, int? RequestsPerMinute = null, int? TokensPerMinute = null)
{
    /// <summary>Number of processes that share the limits, each taking its part.</summary>
    public int Sharers { get; init; } = 1;

    /// <summary>Number of tries of one request before the evaluation is given up.</summary>
    public int Tries { get; init; } = 10;

    /// <summary>Wait before the second try; it doubles with each further one.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait between tries that is not asked for.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The longest wait that a server is obeyed in; one that asks for more is given up.</summary>
    public TimeSpan LongestAsked { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Time within which an answer has to be complete.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(3);
}
