"""torrent"""
