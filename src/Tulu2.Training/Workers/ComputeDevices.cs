using Tulu2.Files;
using Tulu2.Training.Recipes;
using static TorchSharp.torch;

namespace Tulu2.Training.Workers;

/// <summary>Where a rank's compute weights and activations lie.</summary>
public static class ComputeDevices
{
    /// <returns>Null: in host memory, beside everything else.</returns>
    /// <exception cref="BadInputException">There is no such device.</exception>
    public static Device? Of(ComputeDevice device)
    {
        if (device == ComputeDevice.Cpu) return null;
        Check(device);
        return CUDA;
    }

    /// <exception cref="BadInputException">There is no such device.</exception>
    public static void Check(ComputeDevice device)
    {
        if (device == ComputeDevice.Cuda && !cuda.is_available())
            throw new BadInputException("parallel.device", "this build of libtorch finds no CUDA device",
                "use cpu, or build with -p:TorchBackend=cuda and run where there is a GPU");
    }
}
