using System.Diagnostics;

namespace Tulu2.Training.Hosting;

/// <summary>
/// The processes that this one has started and that have not ended. The kernel ends them with this process only once they have asked for it, which one that was
/// stopped while it loaded has not. Thread-safe.
/// </summary>
internal sealed class StartedProcesses
{
    private readonly List<Process> _alive = [];

    public void Add(Process process)
    {
        lock (_alive)
        {
            _alive.RemoveAll(HasEnded);
            _alive.Add(process);
        }
    }

    /// <summary>Ends them at once.</summary>
    public void Kill()
    {
        lock (_alive)
        {
            foreach (var process in _alive.Where(process => !HasEnded(process)))
            {
                try
                {
                    process.Kill();
                }
                catch (Exception gone) when (gone is InvalidOperationException or System.ComponentModel.Win32Exception)
                {
                    // It has ended meanwhile.
                }
            }
            _alive.Clear();
        }
    }

    private static bool HasEnded(Process process)
    {
        try
        {
            return process.HasExited;
        }
        catch (InvalidOperationException)
        {
            // Disposed of, by one that has waited for its end.
            return true;
        }
    }
}
