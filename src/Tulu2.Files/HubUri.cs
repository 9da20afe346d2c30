namespace Tulu2.Files;

/// <summary>Names on a hub in the place of a path: <c>hf://ORG/NAME[@REVISION]</c> (docs/hub.md). They are resolved where they are used.</summary>
public static class HubUri
{
    public const string Scheme = "hf://";

    public static bool Is(string? path) => path?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) == true;
}
