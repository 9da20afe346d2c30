using System.Diagnostics.CodeAnalysis;

/// <summary>Makes a process of the product load this assembly: the runtime calls it where <c>DOTNET_STARTUP_HOOKS</c> names the file.</summary>
[SuppressMessage("Design", "CA1050", Justification = "the runtime looks for it without a namespace")]
internal static class StartupHook
{
    public static void Initialize()
    {
    }
}
