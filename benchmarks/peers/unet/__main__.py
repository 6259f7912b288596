from benchmarks.peers.unet.training import main

if __name__ == "__main__":
    main()
