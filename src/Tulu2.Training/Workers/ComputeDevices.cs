using System.Runtime.InteropServices;
using Tulu2.Files;
using Tulu2.Training.Recipes;
using static TorchSharp.torch;

namespace Tulu2.Training.Workers;

/// <summary>Selects the device of a rank's compute weights and activations.</summary>
public static partial class ComputeDevices
{
    /// <summary>The device of a worker; a GPU becomes the calling thread's current one.</summary>
    /// <param name="indexOnNode">Index of the worker on its node; workers are assigned to the node's GPUs round-robin.</param>
    /// <returns>Null: the host.</returns>
    /// <exception cref="BadInputException">There is no such device.</exception>
    public static Device? Of(ComputeDevice device, int indexOnNode)
    {
        if (device == ComputeDevice.Cpu) return null;
        if (!cuda.is_available())
            throw new BadInputException("parallel.device", "this build of libtorch finds no CUDA device",
                "use cpu, or build with -p:TorchBackend=cuda and run where there is a GPU");
        var index = IndexOf(indexOnNode, cuda.device_count());
        MakeCurrent(index);
        return new Device(TorchSharp.DeviceType.CUDA, index);
    }

    /// <summary>Number of cores for a rank's operations in host memory.</summary>
    internal static int HostThreads(ComputeDevice device) =>
        device == ComputeDevice.Cpu ? 1 : Math.Max(1, Environment.ProcessorCount / Math.Max(1, cuda.device_count()));

    internal static int IndexOf(int indexOnNode, int devices) => indexOnNode % devices;

    // NCCL uses the thread's current GPU, which TorchSharp cannot set. Never run on more than one GPU.
    private static void MakeCurrent(int index)
    {
        Driver("cuInit", Init(0));
        Driver("cuDeviceGet", DeviceGet(out var device, index));
        Driver("cuDevicePrimaryCtxRetain", RetainPrimaryContext(out var context, device));
        Driver("cuCtxSetCurrent", SetCurrentContext(context));
    }

    private static void Driver(string call, int error)
    {
        if (error != 0) throw new InvalidOperationException($"CUDA: {call} ended with error {error}");
    }

    [LibraryImport("libcuda.so.1", EntryPoint = "cuInit")]
    private static partial int Init(uint flags);

    [LibraryImport("libcuda.so.1", EntryPoint = "cuDeviceGet")]
    private static partial int DeviceGet(out int device, int ordinal);

    [LibraryImport("libcuda.so.1", EntryPoint = "cuDevicePrimaryCtxRetain")]
    private static partial int RetainPrimaryContext(out nint context, int device);

    [LibraryImport("libcuda.so.1", EntryPoint = "cuCtxSetCurrent")]
    private static partial int SetCurrentContext(nint context);
}
