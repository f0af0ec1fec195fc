using System.Net;
using System.Net.Sockets;
using BlackBox.Hosting;

namespace BlackBox.Emulation;

/// <summary>Looks at the ports of this host before QEMU does, whose message would be of little help.</summary>
public static class HostPorts
{
    /// <exception cref="BlackBoxException">A port is in use or needs root rights.</exception>
    public static void EnsureFree(MachineOptions options)
    {
        var debugger = options.GdbPort is { } port ? (PortForward[])[new PortForward(IPAddress.Loopback, port, 0)] : [];
        foreach (var forward in options.Ports.Concat(debugger))
        {
            try
            {
                using var listener = new TcpListener(forward.HostAddress, forward.HostPort);
                listener.Server.ExclusiveAddressUse = true;
                listener.Start();
            }
            catch (SocketException error)
            {
                throw new BlackBoxException(
                    $"port {forward.HostPort} on {forward.HostAddress} cannot be used: {(error.SocketErrorCode == SocketError.AddressAlreadyInUse ? "another program has it" : error.Message)}",
                    "choose another host port", error);
            }
        }
    }

    /// <summary>A TCP port of the loopback address that is free at this moment.</summary>
    public static int FindFree()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
