namespace Tulu2.Runs.Preparation;

/// <summary>Directory for tokens and reference log-probabilities, shared by runs.</summary>
internal static class CacheDirectory
{
    /// <param name="given">Directory that the user chose; null: <c>TULU2_CACHE</c>, else <c>~/.cache/tulu2</c>.</param>
    public static string Of(string? given)
    {
        if (given is not null) return Path.GetFullPath(given);
        if (Environment.GetEnvironmentVariable("TULU2_CACHE") is { Length: > 0 } variable) return Path.GetFullPath(variable);
        return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".cache", "tulu2");
    }
}
