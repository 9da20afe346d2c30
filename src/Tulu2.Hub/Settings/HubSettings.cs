using System.Globalization;
using Tulu2.Files;

namespace Tulu2.Hub.Settings;

/// <summary>Where the hub and its cache are: the variables of the ecosystem (huggingface_hub, constants.py), so that both find the same files.</summary>
public sealed record HubSettings
{
    private const string DefaultEndpoint = "https://huggingface.co";
    private const int DefaultPatience = 10;

    /// <summary>Address of the hub, without a slash at its end.</summary>
    public required string Endpoint { get; init; }

    /// <summary>Directory of the cache: one folder for each repository.</summary>
    public required string CacheDirectory { get; init; }

    /// <summary>Sent to the hub alone, to no address that it leads to. Null: none.</summary>
    public string? Token { get; init; }

    /// <summary>Only the cache is used, and nothing is asked of the network.</summary>
    public bool IsOffline { get; init; }

    /// <summary>Time without a byte after which a connection counts as broken.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(DefaultPatience);

    /// <exception cref="BadInputException">A variable that makes no sense.</exception>
    public static HubSettings OfProcess() =>
        Read(Environment.GetEnvironmentVariable, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify));

    /// <param name="variable">The value of an environment variable; null or empty: not set.</param>
    /// <param name="home">The user's home directory.</param>
    /// <exception cref="BadInputException">A variable that makes no sense.</exception>
    public static HubSettings Read(Func<string, string?> variable, string home)
    {
        string? Given(params string[] names) => names.Select(variable).FirstOrDefault(value => value is { Length: > 0 });
        var hub = Full(Given("HF_HOME") ?? Path.Combine(Given("XDG_CACHE_HOME") ?? Path.Combine(home, ".cache"), "huggingface"));
        return new HubSettings
        {
            Endpoint = Address(Given("HF_ENDPOINT") ?? DefaultEndpoint),
            CacheDirectory = Full(Given("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE") ?? Path.Combine(hub, "hub")),
            Token = Clean(Given("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"))
                ?? (IsTrue(Given("HF_HUB_DISABLE_IMPLICIT_TOKEN")) ? null : OfFile(Full(Given("HF_TOKEN_PATH") ?? Path.Combine(hub, "token")))),
            IsOffline = IsTrue(Given("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")),
            Patience = Given("HF_HUB_DOWNLOAD_TIMEOUT") is { } seconds ? Seconds(seconds) : TimeSpan.FromSeconds(DefaultPatience),
        };
    }

    private static string Full(string path) => Path.GetFullPath(FilePatterns.Home(path));

    private static bool IsTrue(string? value) => value?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";

    private static string Address(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" && address.Query == "" ? text.TrimEnd('/')
            : throw new BadInputException("HF_ENDPOINT", $"'{text}' is not the address of a hub", $"give one such as {DefaultEndpoint}, or unset it");

    private static TimeSpan Seconds(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and < 86400 ? TimeSpan.FromSeconds(seconds)
            : throw new BadInputException("HF_HUB_DOWNLOAD_TIMEOUT", $"'{text}' is not a number of seconds", "give one such as 30, or unset it");

    private static string? OfFile(string path)
    {
        try
        {
            return Clean(File.ReadAllText(path));
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, $"the token cannot be read: {FaultText.Of(fault)}", "correct its permissions, or set HF_TOKEN", fault);
        }
    }

    // Copied tokens have line ends; what cannot stand in a header is no token.
    private static string? Clean(string? text)
    {
        var token = text?.Trim();
        if (string.IsNullOrEmpty(token)) return null;
        return token.All(c => c is > ' ' and < '\x7f') ? token
            : throw new BadInputException("HF_TOKEN", "holds characters that no token has", "copy the token again");
    }
}
