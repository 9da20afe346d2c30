using System.Reflection;

namespace Tulu2.Files;

/// <summary>The version of this program.</summary>
public static class ProgramVersion
{
    /// <summary>With the commit that it was built from.</summary>
    public static string Text { get; } = Of(typeof(ProgramVersion).Assembly);

    private static string Of(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? assembly.GetName().Version?.ToString() ?? "unknown";
}
