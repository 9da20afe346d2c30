namespace Tulu2.Hub.Http;

/// <summary>What to do with an answer.</summary>
internal enum Verdict
{
    /// <summary>It has the content.</summary>
    Take,

    /// <summary>The same again, after a while.</summary>
    Again,

    /// <summary>Again, beginning at the hub: a signed address no longer holds.</summary>
    AgainFromHub,

    /// <summary>It will stay like this until somebody changes something.</summary>
    Refuse,
}

/// <summary>Which answer means what, and how long to wait before the next try. Pure.</summary>
internal static class RetryRule
{
    /// <summary>Tries in a row that bring no byte.</summary>
    public const int MostFailures = 8;

    /// <summary>A server that asks for more is not waited for.</summary>
    public static readonly TimeSpan LongestAsked = TimeSpan.FromMinutes(10);

    private const double FirstSeconds = 0.5, LongestSeconds = 30;

    public static Verdict Judge(HubAnswer answer) => answer.Status switch
    {
        200 or 206 => Verdict.Take,
        408 or 425 or 429 or >= 500 => Verdict.Again,
        // The file there is shorter than it has to be.
        416 => Verdict.AgainFromHub,
        >= 400 when !answer.IsHub => Verdict.AgainFromHub,
        _ => Verdict.Refuse,
    };

    /// <summary>
    /// The wait before the next try: it doubles, from half a second to half a minute, and is spread by a quarter; or what the server asks for, if that is
    /// longer.
    /// </summary>
    /// <param name="failures">Failures in a row, from 1.</param>
    /// <param name="asked">What the server asks for.</param>
    /// <param name="spread">From 0 to below 1.</param>
    public static TimeSpan Wait(int failures, TimeSpan? asked, double spread)
    {
        var own = TimeSpan.FromSeconds(Math.Min(LongestSeconds, FirstSeconds * Math.Pow(2, Math.Min(failures, 30) - 1)) * (0.75 + spread / 2));
        return asked > own ? asked.Value : own;
    }
}
