namespace Tulu2.Runs.RunFiles;

/// <summary>How a run is to begin.</summary>
internal enum ResumeMode
{
    /// <summary>From the start; an existing run is refused.</summary>
    New,

    /// <summary>From an existing run, which there has to be.</summary>
    Resume,

    /// <summary>From an existing run, or from the start where there is none.</summary>
    Auto,
}
