"""What advertising brought: rollups kept by the workers, reports read from them, exports."""
